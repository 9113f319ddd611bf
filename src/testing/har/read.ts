import { nameOfEntry, RecordingError } from '../errors.ts'
import { toEntry, toHar, toLog } from './check.ts'
import type { Har, HarEntry, HarLog } from './format.ts'
import { createSplitter } from './split.ts'

/** A HAR: as an object, as text, or as a stream of bytes of the platform (`response.body`, `file.stream()`) or of Node. */
export type HarInput = object | string | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>

export interface ReadHarOptions {
  /** Is told from time to time how much has been read. */
  readonly onProgress?: (progress: ReadProgress) => void
  /**
   * Is given each entry as soon as it is read; then none is kept, and the recording that `readHar` resolves with has none. What it
   * returns is waited for.
   *
   * @param head What has been read of the recording around the entries. `_tokens` comes before them in ours.
   */
  readonly onEntry?: (entry: HarEntry, index: number, head: HarLog) => unknown
  /** An entry that is larger makes it fail. Default 256 MiB of characters. */
  readonly maxEntryLength?: number
  readonly signal?: AbortSignal
}

export interface ReadProgress {
  /** Bytes, or characters of a text. */
  readonly read: number
  readonly entries: number
}

const MAX_ENTRY_LENGTH = 268_435_456
/** A text is taken in pieces of this length, so that it too makes progress. */
const PIECE_LENGTH = 1_048_576

/**
 * Reads a HAR, ours or that of a browser or another tool. A stream is read piece by piece: with `onEntry` no more than
 * one entry is in memory, however long the file is.
 *
 * @example
 *   import { readHar } from 'tokenward/testing'
 *
 *   const response = await fetch('/recordings/orders.har')
 *   const har = await readHar(response.body ?? '')
 *
 * @throws {@link RecordingError} `invalid_har`, `unsupported_version`, `too_large`: the message names the entry.
 */
export async function readHar(input: HarInput, options: ReadHarOptions = {}): Promise<Har> {
  const { onProgress, onEntry, signal, maxEntryLength = MAX_ENTRY_LENGTH } = options
  if (typeof input === 'object' && !isStream(input)) {
    const har = toHar(input)
    if (!onEntry) return har
    for (const [index, entry] of har.log.entries.entries()) await onEntry(entry, index, har.log)
    return { log: { ...har.log, entries: [] } }
  }

  const kept: HarEntry[] = []
  const found: string[] = []
  /** What comes before the entries. */
  let before: string | undefined
  const splitter = createSplitter({
    entry(text) {
      found.push(text)
      before ??= splitter.rest()
    },
  })
  let count = 0
  let read = 0
  let head: HarLog | undefined
  let isBegun = false
  for await (const piece of piecesOf(input)) {
    signal?.throwIfAborted()
    if (!isBegun) isBegun = begins(piece.text)
    splitter.push(piece.text)
    read += piece.size
    for (const text of found.splice(0)) {
      const entry = toEntry(parse(text, nameOfEntry(count), count), count)
      if (onEntry) {
        head ??= toLog(logIn(parse(`${before ?? ''}]}}`, 'the head', undefined)))
        await onEntry(entry, count, head)
      } else kept.push(entry)
      count++
    }
    if (splitter.held() > maxEntryLength) {
      throw new RecordingError('too_large', `${nameOfEntry(count)} is longer than ${maxEntryLength}`, { entry: count })
    }
    onProgress?.({ read, entries: count })
  }
  if (!isBegun) throw new RecordingError('invalid_har', 'the file is empty')
  if (splitter.depth() !== 0) {
    const where = splitter.held() > 0 ? `in ${nameOfEntry(count)}` : `after ${count} entries`
    throw new RecordingError('invalid_har', `the file is cut off ${where}`, { entry: count })
  }
  const log = toLog(logIn(parse(splitter.rest(), 'the file', undefined)))
  return { log: { ...log, entries: kept } }
}

/** Whether there is more than white space. What cannot become JSON is not read to its end, which may be far. */
function begins(text: string): boolean {
  const [first] = text.trimStart()
  if (first === '[') throw new RecordingError('invalid_har', 'this is no HAR: it has no log')
  if (first !== undefined && first !== '{') throw new RecordingError('invalid_har', 'the file is not JSON')
  return first !== undefined
}

/** What JSON says of an error quotes the text: it may be a secret. */
function parse(text: string, what: string, entry: number | undefined): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new RecordingError('invalid_har', `${what} is not JSON`, { entry })
  }
}

function logIn(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'log' in value ? value.log : undefined
}

async function* piecesOf(input: HarInput): AsyncGenerator<{ readonly text: string; readonly size: number }> {
  if (typeof input === 'string') {
    for (let at = 0; at < input.length; at += PIECE_LENGTH) {
      const text = input.slice(at, at + PIECE_LENGTH)
      yield { text: at === 0 ? text.replace(/^\ufeff/, '') : text, size: text.length }
    }
    return
  }
  const decoder = new TextDecoder()
  for await (const chunk of chunksOf(input)) {
    if (typeof chunk === 'string') yield { text: chunk, size: chunk.length }
    else yield { text: decoder.decode(chunk, { stream: true }), size: chunk.byteLength }
  }
  yield { text: decoder.decode(), size: 0 }
}

async function* chunksOf(input: HarInput): AsyncGenerator<Uint8Array | string> {
  if (Symbol.asyncIterator in (input as object)) {
    yield* input as AsyncIterable<Uint8Array | string>
    return
  }
  // Not every browser can iterate its own streams.
  const reader = (input as ReadableStream<Uint8Array>).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

function isStream(input: object): boolean {
  return 'getReader' in input || Symbol.asyncIterator in input
}
