import { entityOf } from '../har/entities.ts'
import { fromUnits } from './base64.ts'

/**
 * A text with some of its escapes taken away, and where each of its characters stands in the text that it was made of:
 * character `i` came from `starts[i]` up to `ends[i]`.
 */
export interface Layer {
  readonly text: string
  /** `undefined`: it is that text. */
  readonly origin: { readonly starts: Uint32Array; readonly ends: Uint32Array } | undefined
}

/** How often escapes may be within escapes: a form field in JSON in a JSON text, in HTML, is four. */
const DEPTH = 4

const JSON_ESCAPES: Readonly<Record<string, number>> = { b: 8, f: 12, n: 10, r: 13, t: 9 }
const PERCENT = 0x25
const AND = 0x26
const EQUALS = 0x3d
const BACKSLASH = 0x5c
const TAB = 9
const LINE_FEED = 10
const RETURN = 13
const SPACE = 32

/** What an escape is: how long, and the character that it stands for. */
interface Escape {
  length: number
  /** `NONE`: for nothing. */
  code: number
}

const NONE = -1

/** A kind of escapes, or several. */
interface Spelling {
  /** What they begin with. */
  readonly marks: RegExp
  /** Reads what begins at `at` into `escape`. `false`: it is no escape. */
  read(text: string, at: number, escape: Escape): boolean
}

/**
 * The text as it is, and as it reads when escapes are taken away: percent-encoding, that of JSON and of programs, and
 * HTML's; all at once, and again for what they have hidden; and the same without the ends of lines, as base64 and
 * quoted-printable have them. What is hidden by any mix of them stands plainly in one of the layers, or as `plainForms`
 * spell it.
 */
export function* layersOf(text: string): Generator<Layer> {
  const seen = new Set([text])
  const whole: Layer = { text, origin: undefined }
  yield whole
  const isNew = (layer: Layer | undefined): layer is Layer =>
    layer !== undefined && seen.size < seen.add(layer.text).size
  for (const spelling of [escapes, escapesAndLineEnds]) {
    for (let depth = 0, layer: Layer | undefined = whole; depth < DEPTH; depth++) {
      layer = peel(layer, spelling)
      if (!layer) break
      if (isNew(layer)) yield layer
    }
  }
  // One kind alone too: next to a secret may be what only looks like an escape of another kind.
  const kinds = [percents, backslashes, entities].filter(({ marks }) => marks.test(text))
  for (const kind of kinds.length > 1 ? kinds : []) {
    const layer = peel(whole, kind)
    if (isNew(layer)) yield layer
  }
}

/** How a secret may end that makes an escape of what follows. */
const OPEN_END = /(?:\\(?:u\{?[\da-f]{0,6}|x[\da-f]?|[0-7]{0,2})|%[\da-f]?|&#?\w{0,7})$/i

/** How a layer spells a secret that has something in it that reads like an escape. */
export function plainForms(secret: string): string[] {
  const whole = [secret, secret.replace(OPEN_END, '')]
  return whole.flatMap((form) => Array.from(layersOf(form), ({ text }) => text)).filter((text) => text !== '')
}

/** Takes away what `spelling` finds. `undefined`: nothing. */
function peel({ text, origin }: Layer, { marks, read }: Spelling): Layer | undefined {
  if (!marks.test(text)) return undefined
  const units = new Uint16Array(text.length)
  const starts = new Uint32Array(text.length)
  const ends = new Uint32Array(text.length)
  const escape: Escape = { length: 1, code: 0 }
  let length = 0
  let isChanged = false
  for (let at = 0; at < text.length; at += escape.length) {
    escape.code = text.charCodeAt(at)
    escape.length = 1
    if (MAY_BEGIN[escape.code] === 1 && read(text, at, escape)) isChanged = true
    if (escape.code === NONE) continue
    const end = at + escape.length
    const isPair = escape.code >= 0x10000
    for (let index = isPair ? 0 : 1; index < 2; index++) {
      units[length] = isPair ? String.fromCodePoint(escape.code).charCodeAt(index) : escape.code
      starts[length] = origin ? (origin.starts[at] ?? 0) : at
      ends[length] = origin ? (origin.ends[end - 1] ?? 0) : end
      length++
    }
  }
  return isChanged ? { text: fromUnits(units.subarray(0, length)), origin: { starts, ends } } : undefined
}

function found(escape: Escape, length: number, code: number): true {
  escape.length = length
  escape.code = code
  return true
}

const percents: Spelling = {
  marks: /%/,
  read: (text, at, escape) => text.charCodeAt(at) === PERCENT && readBytes(text, at, escape),
}

/** The character that `%` or `=` and two digits begin. What is no UTF-8 is Latin-1. */
function readBytes(text: string, at: number, escape: Escape): boolean {
  const mark = text.charCodeAt(at)
  const first = byteAt(text, at)
  if (first === NONE) return false
  const count = first < 0xc2 || first > 0xf4 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  let code = count === 1 ? first : first & (0x7f >> count)
  let end = at + 3
  for (let index = 1; index < count; index++) {
    // A line may end within a character.
    const begin = mark === EQUALS ? afterSoftBreak(text, end) : end
    const next = text.charCodeAt(begin) === mark ? byteAt(text, begin) : NONE
    if (next >> 6 !== 2) return found(escape, 3, first)
    code = (code << 6) | (next & 0x3f)
    end = begin + 3
  }
  const isShort = (count === 3 && code < 0x800) || (count === 4 && code < 0x10000)
  const isNone = isShort || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)
  return isNone ? found(escape, 3, first) : found(escape, end - at, code)
}

function afterSoftBreak(text: string, at: number): number {
  if (text.charCodeAt(at) !== EQUALS) return at
  const end = text.charCodeAt(at + 1) === RETURN ? at + 2 : at + 1
  return text.charCodeAt(end) === LINE_FEED ? end + 1 : at
}

/** The byte that the two digits after `at` spell. */
function byteAt(text: string, at: number): number {
  const [high, low] = [digitAt(text, at + 1), digitAt(text, at + 2)]
  return high === NONE || low === NONE ? NONE : high * 16 + low
}

function digitAt(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const small = code | 0x20
  return small >= 0x61 && small <= 0x66 ? small - 0x57 : NONE
}

/** `\n`, `\u0041`, `\u{41}`, `\x41`, `\101`, and what needs no escape and has one. */
function readBackslash(text: string, at: number, escape: Escape): boolean {
  if (text.charCodeAt(at) !== BACKSLASH || at + 1 === text.length) return false
  const kind = text.charAt(at + 1)
  switch (kind) {
    case 'u':
    case 'U':
      return text.charAt(at + 2) === '{' ? readBraced(text, at, escape) : readDigits(text, { at, count: 4 }, escape)
    case 'x':
    case 'X':
      return readDigits(text, { at, count: 2 }, escape)
    default:
      if (kind >= '0' && kind <= '7') return readOctal(text, at, escape)
      return found(escape, 2, JSON_ESCAPES[kind] ?? kind.charCodeAt(0))
  }
}

function readOctal(text: string, at: number, escape: Escape): true {
  let code = 0
  let end = at + 1
  for (let digit; end < at + 4 && code < 0x20 && (digit = text.charCodeAt(end) - 0x30) >= 0 && digit < 8; end++) {
    code = code * 8 + digit
  }
  return found(escape, end - at, code)
}

function readDigits(text: string, { at, count }: { at: number; count: number }, escape: Escape): boolean {
  let code = 0
  for (let index = at + 2; index < at + 2 + count; index++) {
    const digit = digitAt(text, index)
    if (digit === NONE) return false
    code = code * 16 + digit
  }
  return found(escape, count + 2, code)
}

function readBraced(text: string, at: number, escape: Escape): boolean {
  const near = text.slice(at + 3, at + 10)
  const digits = near.slice(0, Math.max(0, near.indexOf('}')))
  const code = parseInt(digits, 16)
  return /^[\da-f]+$/i.test(digits) && code <= 0x10ffff && found(escape, digits.length + 4, code)
}

const backslashes: Spelling = { marks: /\\/, read: readBackslash }

const entities: Spelling = {
  marks: /&/,
  read(text, at, escape) {
    if (text.charCodeAt(at) !== AND) return false
    const near = text.slice(at + 1, at + 10)
    const end = near.indexOf(';')
    const plain = end === -1 ? undefined : entityOf(near.slice(0, end))
    return plain !== undefined && found(escape, end + 2, plain.codePointAt(0) ?? 0)
  },
}

const escapes: Spelling = {
  marks: /[%&\\]/,
  read(text, at, escape) {
    const code = text.charCodeAt(at)
    if (code === PERCENT) return readBytes(text, at, escape)
    return code === BACKSLASH ? readBackslash(text, at, escape) : entities.read(text, at, escape)
  },
}

/**
 * The end of a line, what it is indented by and what marks it as none, and bytes as quoted-printable has them, too.
 *
 * @see [RFC 2045 section 6.7](https://www.rfc-editor.org/rfc/rfc2045.html#section-6.7)
 */
const escapesAndLineEnds: Spelling = {
  marks: /[%&\\=\n]/,
  read(text, at, escape) {
    const code = text.charCodeAt(at)
    if (code === PERCENT || code === AND) return escapes.read(text, at, escape)
    let end = code === EQUALS || code === BACKSLASH ? at + 1 : at
    if (text.charCodeAt(end) === RETURN) end++
    if (text.charCodeAt(end) !== LINE_FEED) {
      return code === EQUALS ? readBytes(text, at, escape) : escapes.read(text, at, escape)
    }
    do end++
    while (text.charCodeAt(end) === SPACE || text.charCodeAt(end) === TAB)
    return found(escape, end - at, NONE)
  },
}

/** What an escape begins with, for all kinds of them. */
const MAY_BEGIN = Uint8Array.from({ length: 0x80 }, (_, code) =>
  [PERCENT, AND, EQUALS, BACKSLASH, RETURN, LINE_FEED].includes(code) ? 1 : 0,
)
