import type { Lifecycle } from '../ports.ts'

/** Node has none. */
const place = (): Location | undefined => (typeof location === 'undefined' ? undefined : location)

export const lifecycle: Lifecycle = {
  baseUrl: () => (typeof document === 'undefined' ? place()?.href : document.baseURI),
  origin() {
    const origin = place()?.origin
    return origin === 'null' ? undefined : origin
  },
  online: () => typeof navigator === 'undefined' || (navigator as { onLine?: boolean }).onLine !== false,
  watch(listener) {
    const stops: (() => void)[] = []
    const on = (target: EventTarget | undefined, type: string, handler: (event: Event) => void): void => {
      target?.addEventListener(type, handler)
      stops.push(() => target?.removeEventListener(type, handler))
    }
    const page = typeof document === 'undefined' ? undefined : document
    const scope = typeof addEventListener === 'function' ? globalThis : undefined
    on(page, 'visibilitychange', () => {
      if (page?.visibilityState === 'visible') listener('wake')
    })
    on(page, 'resume', () => listener('wake'))
    on(scope, 'pageshow', (event) => {
      if ((event as PageTransitionEvent).persisted) listener('wake')
    })
    on(scope, 'storage', () => listener('wake'))
    on(scope, 'online', () => listener('online'))
    on(scope, 'pagehide', () => listener('leave'))
    return () => stops.forEach((stop) => stop())
  },
}
