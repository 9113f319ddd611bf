import type { Marker } from '../ports.ts'

const keyOf = (name: string): string => `tokenward:${name}`

/** localStorage: the only storage that is written before the page can be left. It may be missing, full, or forbidden. */
export const marker: Marker = {
  read(name) {
    try {
      return localStorage.getItem(keyOf(name)) ?? undefined
    } catch {
      return undefined
    }
  },
  write(name, text) {
    try {
      localStorage.setItem(keyOf(name), text)
    } catch {
      // Then nothing outlives the page: the next one asks the server.
    }
  },
}
