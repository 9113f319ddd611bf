import type { Har } from '../har/format.ts'
import { base64Pieces, fromBase64, toBytes, toHex } from './base64.ts'
import { textWithoutPlaceholders } from './placeholder.ts'
import type { Known } from './text.ts'

/** A secret that is still in a recording. */
export interface Survivor {
  readonly id: string
  /** `undefined`: outside of the entries. */
  readonly entry: number | undefined
  /** `response.headers.3.value`. */
  readonly place: string
}

/** A shorter one counts only as a whole value. */
const SHORT = 8

/**
 * Looks for secrets in a recording in the plainest way there is, and not in that of the redaction, whose mistakes it is
 * to find: each secret is spelled out in each encoding, and each text is searched for each spelling.
 */
export function findSurvivor(har: Har, known: readonly Known[]): Survivor | undefined {
  const spellings = known.map(({ value, id }) => ({ id, value, texts: spell(value) }))
  const { entries, ...rest } = har.log
  const parts = [{ value: rest as unknown, entry: undefined as number | undefined }]
  for (const [index, entry] of entries.entries()) parts.push({ value: entry, entry: index })
  for (const { value, entry } of parts) {
    for (const { text: raw, place } of textsIn(value)) {
      const text = textWithoutPlaceholders(raw)
      const bytes = /(^|\.)(text)$/.test(place) && raw.length % 4 === 0 ? fromBase64(raw) : undefined
      const views = bytes ? [text, new TextDecoder('latin1').decode(bytes)] : [text]
      const found = spellings.find(({ value: secret, texts }) =>
        secret.length < SHORT ? text === secret : views.some((view) => texts.some((spelled) => view.includes(spelled))),
      )
      if (found) return { id: found.id, entry, place }
    }
  }
  return undefined
}

function spell(secret: string): string[] {
  const percent = encode(secret)
  const json = JSON.stringify(secret).slice(1, -1)
  const plain = [
    secret,
    percent,
    percent.replaceAll(/%[\dA-F]{2}/g, (hex) => hex.toLowerCase()),
    percent.replaceAll('%20', '+'),
    percent.replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`),
    encode(percent),
    json,
    json.replaceAll('/', '\\/'),
    JSON.stringify(json).slice(1, -1),
    encode(json),
    Array.from(toBytes(secret), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    Array.from(
      { length: secret.length },
      (_, index) => `\\u${secret.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
    secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  ]
  const base64 = [secret, percent, json].flatMap((text) => base64Pieces(toBytes(text)))
  const hex = toHex(toBytes(secret))
  return [
    ...new Set([
      ...plain,
      ...base64,
      ...base64.map((piece) => piece.replaceAll('+', '-').replaceAll('/', '_')),
      hex,
      hex.toUpperCase(),
    ]),
  ]
}

/** Every text in a value, names of members included. */
function* textsIn(value: unknown, place = ''): Generator<{ readonly text: string; readonly place: string }> {
  if (typeof value === 'string') yield { text: value, place }
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    const inside = place === '' ? name : `${place}.${name}`
    if (!Array.isArray(value)) yield { text: name, place: inside }
    yield* textsIn(inner, inside)
  }
}

/** Half a surrogate pair cannot be percent-encoded. */
function encode(text: string): string {
  return encodeURIComponent(text.replace(/[\ud800-\udfff]/gu, '\ufffd'))
}
