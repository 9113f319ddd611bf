import type { Har } from '../har/format.ts'
import { base64Pieces, fromBase64, toBytes, toHex } from './base64.ts'
import { isTelling } from './needles.ts'
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

/** By how many characters a spelling is told from what is none. */
const WINDOW = 6
/** What a value of its own may stand between. */
const BETWEEN = /[\s"'`&=;,:/?#<>(){}[\]|\\]+/
/** What we say ourselves: a secret may be the same word. */
const OURS = new Set(['_exchange', '_principal', '_omitted', '_encoding', 'encoding', 'httpVersion', 'method'])

/**
 * Looks for secrets in a recording in the plainest way there is, and not in that of the redaction, whose mistakes it is
 * to find: each secret is spelled out in each encoding, and each text is searched for each spelling, whatever its case.
 */
export function findSurvivor(har: Har, known: readonly Known[]): Survivor | undefined {
  const { entries, comment, _tokens = [] } = har.log
  const findAny = createSearch(known)
  // Of the tokens only what they say themselves. A word there is a word.
  const findTelling = createSearch(known.filter(({ value }) => isTelling(value)))
  const said = _tokens.map(({ claims, template }) => ({ claims, template }))
  const parts = [
    { value: { comment, _tokens: said } as unknown, entry: undefined as number | undefined, find: findTelling },
    ...Array.from(entries, (value, entry) => ({ value, entry, find: findAny })),
  ]
  for (const { value, entry, find } of parts) {
    for (const { text: raw, place } of textsIn(value)) {
      const text = textWithoutPlaceholders(raw)
      const bytes = /(^|\.)text$/.test(place) && raw.length % 4 === 0 ? fromBase64(raw) : undefined
      const id = find(text) ?? (bytes && findTelling(new TextDecoder('latin1').decode(bytes)))
      if (id !== undefined) return { id, entry, place }
    }
  }
  return undefined
}

/** Returns what says whose secret is in a text. Looks for all at once: there may be many. */
function createSearch(known: readonly Known[]): (text: string) => string | undefined {
  const words = new Map<string, string>()
  /** By how they begin, by their length: many tokens begin alike. */
  const spellings = new Map<string, Map<number, Map<string, string>>>()
  const isStart = new Uint8Array(0x10000)
  for (const { value, id } of known) {
    if (!isTelling(value)) words.set(value, id)
    else {
      for (const spelled of spell(value).map((one) => one.toLowerCase())) {
        const start = spelled.slice(0, WINDOW)
        isStart[pairAt(spelled, 0)] = 1
        const lengths = spellings.get(start) ?? new Map<number, Map<string, string>>()
        spellings.set(start, lengths)
        lengths.set(spelled.length, (lengths.get(spelled.length) ?? new Map<string, string>()).set(spelled, id))
      }
    }
  }
  return function search(text) {
    const views = words.size === 0 ? [] : [text, decoded(text)]
    for (const word of views.flatMap((view) => view.split(BETWEEN))) {
      const id = words.get(word)
      if (id !== undefined) return id
    }
    const lower = text.toLowerCase()
    for (let at = 0; spellings.size > 0 && at <= lower.length - WINDOW; at++) {
      if (isStart[pairAt(lower, at)] !== 1) continue
      for (const [length, here] of spellings.get(lower.slice(at, at + WINDOW)) ?? []) {
        const id = here.get(lower.slice(at, at + length))
        if (id !== undefined) return id
      }
    }
    return undefined
  }
}

/** Of two characters, as an index. */
function pairAt(text: string, at: number): number {
  return ((text.charCodeAt(at) & 0xff) << 8) | (text.charCodeAt(at + 1) & 0xff)
}

function spell(secret: string): string[] {
  const percent = encode(secret)
  const json = JSON.stringify(secret).slice(1, -1)
  const each = (to: (code: number) => string): string =>
    Array.from({ length: secret.length }, (_, index) => to(secret.charCodeAt(index))).join('')
  const plain = [
    secret,
    percent,
    percent.replaceAll('%20', '+'),
    percent.replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`),
    encode(percent),
    json,
    json.replaceAll('/', '\\/'),
    JSON.stringify(json).slice(1, -1),
    encode(json),
    Array.from(toBytes(secret), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    each((code) => `\\u${code.toString(16).padStart(4, '0')}`),
    each((code) => `\\u{${code.toString(16)}}`),
    each((code) => `\\${code.toString(8).padStart(3, '0')}`),
    each((code) => (/[!-<>-~]/.test(String.fromCharCode(code)) ? String.fromCharCode(code) : `=${code.toString(16)}`)),
    each((code) => `${String.fromCharCode(code)}\0`).slice(0, -1),
    secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  ]
  const once = [secret, percent, json].flatMap((text) => base64Pieces(toBytes(text)))
  const twice = base64Pieces(toBytes(secret)).flatMap((piece) => base64Pieces(toBytes(piece)))
  const wide = base64Pieces(toBytes(each((code) => `${String.fromCharCode(code)}\0`)).slice(0, -1))
  const base64 = [...once, ...twice, ...wide]
  const all = [...plain, ...base64, ...base64.map((piece) => piece.replaceAll('+', '-').replaceAll('/', '_'))]
  return [...new Set([...all, toHex(toBytes(secret))])].filter((text) => text.length >= WINDOW)
}

/** Every text in a value that comes from outside. */
function* textsIn(value: unknown, place = ''): Generator<{ readonly text: string; readonly place: string }> {
  if (typeof value === 'string') yield { text: value, place }
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    const inside = place === '' ? name : `${place}.${name}`
    if (place.endsWith('claims')) yield { text: name, place: inside }
    if (!OURS.has(name)) yield* textsIn(inner, inside)
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Half a surrogate pair cannot be percent-encoded. */
function encode(text: string): string {
  return encodeURIComponent(text.replace(/[\ud800-\udfff]/gu, '\ufffd'))
}
