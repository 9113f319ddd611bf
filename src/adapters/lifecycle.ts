import type { Lifecycle } from '../ports.ts'

/** Any of it may be missing: a worker has no document, Node has no location. */
const here = globalThis as Partial<typeof window>

const MOMENTS = {
  visibilitychange: 'wake',
  resume: 'wake',
  pageshow: 'wake',
  storage: 'wake',
  online: 'online',
  pagehide: 'leave',
} as const

export const lifecycle: Lifecycle = {
  baseUrl: () => here.document?.baseURI ?? here.location?.href,
  origin() {
    const origin = here.location?.origin
    return origin === 'null' ? undefined : origin
  },
  online: () => here.navigator?.onLine !== false,
  watch(listener) {
    const watching = new AbortController()
    const hear = (event: Event): void => {
      const { type } = event
      const { key } = event as Partial<StorageEvent>
      if (type === 'visibilitychange' && here.document?.visibilityState !== 'visible') return
      // Other code's storage. Without a key all of it was cleared.
      if (type === 'storage' && key && !key.startsWith('tokenward:')) return
      listener(MOMENTS[type as keyof typeof MOMENTS])
    }
    for (const type in MOMENTS) {
      // Captured, because not all that happens to the document bubbles to the window.
      here.addEventListener?.(type, hear, { capture: true, signal: watching.signal })
    }
    return () => watching.abort()
  },
}
