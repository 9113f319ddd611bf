import type { Clock, Timer } from '../ports.ts'

export const clock: Clock = {
  now: () => ({ wall: Date.now(), monotonic: performance.now() }),
}

export const timer: Timer = (task, delayMs) => {
  const id: unknown = setTimeout(task, delayMs)
  // In Node a planned refresh must not keep a finished program running.
  if (typeof id === 'object') (id as { unref?(): void } | null)?.unref?.()
  return () => clearTimeout(id as number)
}
