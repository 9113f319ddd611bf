import type { Marker } from '../ports.ts'

const keyOf = (name: string): string => `tokenward:${name}`

/** localStorage: the only storage that is written before the page can be left. A server has none, and needs none. */
export const marker: Marker = {
  read(name) {
    try {
      // Before each send: where there is none, not even an exception is thrown.
      return typeof localStorage === 'undefined' ? undefined : (localStorage.getItem(keyOf(name)) ?? undefined)
    } catch {
      return undefined
    }
  },
  write(name, text) {
    if (typeof localStorage !== 'undefined') localStorage.setItem(keyOf(name), text)
  },
}
