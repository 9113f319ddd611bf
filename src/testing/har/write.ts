import { webCrypto } from '../../adapters/web-crypto.ts'
import { builtin } from '../node.ts'
import type { Har } from './format.ts'
import { placeOf } from './place.ts'

/**
 * The text of a recording, in pieces: what is around the entries first, then each entry on a line of its own, so that a
 * stream can be read with what its placeholders mean, and a change of one entry is a change of one line.
 */
export function* harText({ log }: Har): Generator<string> {
  const { entries, ...head } = log
  const before = JSON.stringify({ log: head })
  yield `${before.slice(0, -2)}${before === '{"log":{}}' ? '' : ','}"entries":[`
  let isFirst = true
  for (const entry of entries) {
    yield `${isFirst ? '' : ','}\n${JSON.stringify(entry)}`
    isFirst = false
  }
  yield '\n]}}\n'
}

/**
 * Writes a recording to a file, in Node: first beside it and then, when all of it is on the disk, in its place. Whatever
 * happens, the file is the old one or the new one.
 */
export async function writeHar(path: string, har: Har): Promise<void> {
  const { open, rename, rm } = builtin('node:fs/promises')
  const { target, isFile } = await placeOf(path)
  const part = isFile ? `${target}.${webCrypto().randomUUID().slice(0, 8)}.part` : target
  try {
    const file = await open(part, isFile ? 'wx' : 'w')
    try {
      for (const text of harText(har)) await file.write(text)
      if (isFile) await file.sync()
    } finally {
      await file.close()
    }
    if (isFile) await rename(part, target)
  } catch (reason) {
    if (isFile) await rm(part, { force: true })
    throw reason
  }
}
