import type { HarParam, Omission } from '../har/format.ts'
import { textOfBytes } from '../har/text-of-bytes.ts'
import { toBase64 } from '../redact/base64.ts'

/** A body as a recording holds it. */
export interface Body {
  readonly size: number
  readonly text?: string
  readonly isBase64?: boolean
  readonly params?: readonly HarParam[]
  readonly omitted?: Omission
  /** What it is, if the headers do not say. */
  readonly mimeType?: string
}

/** No answer that brings tokens is longer. */
const MAX_UNINCLUDED_BYTES = 65_536

/** How much of a body is read: of what the recording leaves out, as much as may tell of secrets. */
export function limitOf({ maxBodyBytes }: { readonly maxBodyBytes: number }, isIncluded: boolean): number {
  return isIncluded ? maxBodyBytes : Math.min(maxBodyBytes, MAX_UNINCLUDED_BYTES)
}

/** Reads what an application sends or receives, and leaves it unharmed. What only the application may read is left out. */
export async function readBody(data: unknown, mimeType: string, limit: number): Promise<Body> {
  if (data === undefined || data === null || data === '') return { size: 0 }
  if (typeof data === 'string') return textBody(data, limit)
  if (data instanceof URLSearchParams) {
    return { ...textBody(data.toString(), limit), mimeType: 'application/x-www-form-urlencoded;charset=UTF-8' }
  }
  if (isNamed(data, 'FormData')) return readForm(data as FormData, limit)
  if (isNamed(data, 'Blob') || isNamed(data, 'File')) {
    const blob = data as Blob
    if (blob.size > limit) return { size: blob.size, omitted: 'too-large' }
    const bytes = new Uint8Array(await blob.arrayBuffer())
    return { ...(await bytesBody(bytes, mimeType || blob.type, limit)), ...(blob.type ? { mimeType: blob.type } : {}) }
  }
  if (ArrayBuffer.isView(data)) {
    // A copy: the application may use the buffer again.
    return bytesBody(new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice(), mimeType, limit)
  }
  if (isNamed(data, 'ArrayBuffer')) return bytesBody(new Uint8Array(data as ArrayBuffer).slice(), mimeType, limit)
  return isStream(data) ? { size: -1, omitted: 'stream' } : textBody(stringify(data), limit)
}

/** Reads a stream of bytes to its end, or to the limit. */
export async function readStream(stream: ReadableStream<Uint8Array>, mimeType: string, limit: number): Promise<Body> {
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.byteLength
    if (size > limit) {
      reader.cancel().catch(() => {})
      return { size: -1, omitted: 'too-large' }
    }
    chunks.push(value)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytesBody(bytes, mimeType, limit)
}

async function bytesBody(bytes: Uint8Array, mimeType: string, limit: number): Promise<Body> {
  const size = bytes.byteLength
  if (size > limit) return { size, omitted: 'too-large' }
  const plain = (await inflate(bytes, limit)) ?? bytes
  const text = textOfBytes(plain, mimeType)
  return text === undefined ? { size, text: toBase64(bytes), isBase64: true } : { size, text }
}

/** What gzip has packed, if it is a text: a secret in it would be out of sight. */
async function inflate(bytes: Uint8Array, limit: number): Promise<Uint8Array | undefined> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return undefined
  try {
    const stream = new Blob([bytes.slice()]).stream().pipeThrough(new DecompressionStream('gzip'))
    const reader = stream.getReader()
    const parts: Uint8Array<ArrayBuffer>[] = []
    for (let size = 0; ;) {
      const { done, value } = await reader.read()
      if (done) return new Uint8Array(await new Blob(parts).arrayBuffer())
      size += value.byteLength
      // A bomb is nothing that a test needs.
      if (size > limit) return undefined
      parts.push(value)
    }
  } catch {
    return undefined
  }
}

async function readForm(form: FormData, limit: number): Promise<Body> {
  const params: HarParam[] = []
  let size = 0
  // All at once: the application may go on filling it.
  for (const [name, value] of [...form]) {
    if (typeof value === 'string') {
      size += value.length
      params.push({ name, value })
      continue
    }
    const { name: fileName, type, size: length } = value
    const content = size + length > limit ? undefined : await readBody(value, type, limit)
    size += length
    const text = content?.isBase64 ? undefined : content?.text
    const file = { name, fileName, ...(type === '' ? {} : { contentType: type }) }
    params.push({ ...file, ...(text === undefined ? {} : { value: text }) })
  }
  return size > limit ? { size, omitted: 'too-large' } : { size, params, mimeType: 'multipart/form-data' }
}

function textBody(text: string, limit: number): Body {
  const size = new TextEncoder().encode(text).byteLength
  return size > limit ? { size, omitted: 'too-large' } : { size, text }
}

function stringify(data: unknown): string {
  try {
    return JSON.stringify(data)
  } catch {
    return String(data)
  }
}

function isStream(data: unknown): boolean {
  return (
    typeof data === 'object' && data !== null && ('pipe' in data || 'getReader' in data || Symbol.asyncIterator in data)
  )
}

/** Also of another realm, and of a polyfill. */
function isNamed(data: unknown, name: string): boolean {
  return Object.prototype.toString.call(data) === `[object ${name}]`
}
