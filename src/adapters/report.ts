import type { Report } from '../ports.ts'

/** As if the listener had thrown by itself: it reaches `window.onerror`, and nobody else. */
export const report: Report = (error) => {
  const { reportError: tell = console.error } = globalThis as { reportError?: Report }
  tell(error)
}
