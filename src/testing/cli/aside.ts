import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HarEntry } from '../har/format.ts'

/** Where the entries of a recording wait until somebody asks for them. */
export interface Aside {
  put(entry: HarEntry): void
  /** What was put there. Each is read anew when it is asked for: no two are the same object. */
  readonly entries: readonly HarEntry[]
  close(): void
}

/**
 * Keeps entries in a file that has no name any more, so that nothing is left of it however this process ends: a recording
 * may be larger than the memory. Reading is synchronous, so that whoever goes through the entries need not know.
 */
export function createAside(): Aside {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-'))
  const file = openSync(join(folder, 'entries'), 'wx+', 0o600)
  rmSync(folder, { recursive: true, force: true })
  /** Where each entry ends. */
  const ends: number[] = []
  let last: { readonly index: number; readonly entry: HarEntry } | undefined

  function read(index: number): HarEntry | undefined {
    const [from, to] = [ends[index - 1] ?? 0, ends[index]]
    if (to === undefined) return undefined
    if (last?.index === index) return last.entry
    const bytes = Buffer.alloc(to - from)
    for (let done = 0; done < bytes.length;) {
      const more = readSync(file, bytes, done, bytes.length - done, from + done)
      if (more === 0) throw new Error('a file of this process was cut off')
      done += more
    }
    last = { index, entry: JSON.parse(bytes.toString()) as HarEntry }
    return last.entry
  }

  return {
    put(entry) {
      const bytes = Buffer.from(JSON.stringify(entry))
      const from = ends.at(-1) ?? 0
      for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, from + done)
      ends.push(from + bytes.length)
    },
    entries: new Proxy<HarEntry[]>([], {
      get: (list, name) => {
        if (name === 'length') return ends.length
        return typeof name === 'string' && /^\d+$/.test(name)
          ? read(Number(name))
          : (Reflect.get(list, name) as unknown)
      },
      has: (list, name) => (typeof name === 'string' && /^\d+$/.test(name) ? Number(name) < ends.length : name in list),
    }),
    close: () => closeSync(file),
  }
}
