import { fromBase64 } from '../redact/base64.ts'
import type { HarContent } from './format.ts'

/** A charset says little: servers add it to images and PDFs as well. */
const TEXTUAL = /^(text\/|application\/([\w.+-]*\+)?(json|xml|javascript|x-www-form-urlencoded|graphql|x-ndjson))/i

/** The text of a body. `undefined`: these bytes are no text. */
export function textOfBytes(bytes: Uint8Array, mimeType: string): string | undefined {
  const isTextual = TEXTUAL.test(mimeType)
  const told = /charset="?([\w-]+)/i.exec(mimeType)?.[1]
  // What says that it is text is one, if in letters that it does not tell.
  for (const charset of [markedIn(bytes), told, 'utf-8', isTextual ? 'windows-1252' : undefined]) {
    const text = charset === undefined ? undefined : decode(bytes, charset)
    if (text === undefined) continue
    // eslint-disable-next-line no-control-regex -- That is what tells bytes from a text.
    return isTextual || !/[\u0000-\u0008\u000e-\u001a]/.test(text) ? text : undefined
  }
  return undefined
}

/** The text of an answer. `undefined`: there is none, or it is bytes. */
export function textOfContent({ text, encoding, mimeType }: HarContent): string | undefined {
  if (text === undefined || encoding !== 'base64') return text
  const bytes = fromBase64(text)
  return bytes && textOfBytes(bytes, mimeType)
}

/** Whether bytes are packed by gzip: nobody could look for a token in them. */
export function isPacked(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** What the mark at the beginning says. */
function markedIn([first, second]: Uint8Array): string | undefined {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined
}

function decode(bytes: Uint8Array, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
