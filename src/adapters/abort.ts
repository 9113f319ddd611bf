import type { NewAbort } from '../ports.ts'

interface NodeEvents {
  setMaxListeners(most: number, target: EventTarget): void
}

/** Node prints a warning from the eleventh listener on; a session's signal has one for each request in flight. */
export const newAbort: NewAbort = () => {
  const controller = new AbortController()
  const { process } = globalThis as { process?: { getBuiltinModule?(id: string): unknown } }
  const events = process?.getBuiltinModule?.('node:events') as NodeEvents | undefined
  events?.setMaxListeners(0, controller.signal)
  return controller
}
