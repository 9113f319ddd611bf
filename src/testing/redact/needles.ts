import { base64Pieces, toBytes, toHex } from './base64.ts'

/** Something to look for: a secret, or how it looks when it is encoded. */
export interface Needle<Owner> {
  readonly text: string
  readonly owner: Owner
  readonly form: 'plain' | 'base64' | 'hex'
  /** For `base64`: how many bytes of the first group of three come before it. */
  readonly skip: number
}

export interface Found<Owner> {
  readonly start: number
  readonly end: number
  readonly needle: Needle<Owner>
}

/**
 * A shorter secret counts only where it is a value of its own: a password of four digits would else be found in every
 * number.
 */
export const SHORT = 8
/** The encoded forms of what is shorter than this look like anything else. */
const TOO_SHORT_TO_ENCODE = 4

const BEFORE = /[\s"'`&=;,:/?#<>(){}[\]|\\]$/
const AFTER = /^[\s"'`&=;,:/?#<>(){}[\]|\\]/

/** Everything by which a secret could be found in a text whose escapes are taken away. */
export function needlesOf<Owner>(secret: string, owner: Owner): Needle<Owner>[] {
  if (secret === '') return []
  // What a form makes of a space survives every decoding.
  const spelled = [...new Set([secret, secret.replaceAll(' ', '+')])]
  const plain = spelled.map((text) => ({ text, owner, form: 'plain' as const, skip: 0 }))
  if (secret.length < TOO_SHORT_TO_ENCODE) return plain
  const escaped = new Set([...spelled, encodeURIComponent(wellFormed(secret)), JSON.stringify(secret).slice(1, -1)])
  const encoded = [...escaped].map(toBytes).flatMap((bytes) => {
    const hex = toHex(bytes)
    const base64 = base64Pieces(bytes).flatMap((piece, skip) =>
      [...new Set([piece, piece.replaceAll('+', '-').replaceAll('/', '_')])].map((text) => ({ text, skip })),
    )
    return [
      ...[hex, hex.toUpperCase()].map((text) => ({ text, owner, form: 'hex' as const, skip: 0 })),
      ...base64.map((one) => ({ ...one, owner, form: 'base64' as const })),
    ]
  })
  return [...plain, ...encoded]
}

/**
 * Looks for many needles at once: the time depends on the text, hardly on their number. Returns what finds them all in a
 * text, in no order, one within another included.
 */
export function createFinder<Owner>(needles: readonly Needle<Owner>[]): (text: string) => Found<Owner>[] {
  const long = new Map<string, Needle<Owner>[]>()
  const short: Needle<Owner>[] = []
  const isStart = new Uint8Array(0x10000)
  for (const needle of needles) {
    if (needle.text.length < SHORT) short.push(needle)
    else {
      const key = needle.text.slice(0, SHORT)
      isStart[hashAt(key, 0)] = 1
      long.set(key, [...(long.get(key) ?? []), needle])
    }
  }

  return function find(text) {
    const found: Found<Owner>[] = []
    const add = (needle: Needle<Owner>, start: number): void => {
      found.push({ start, end: start + needle.text.length, needle })
    }
    if (long.size > 0) {
      for (let start = 0; start <= text.length - SHORT; start++) {
        if (isStart[hashAt(text, start)] === 0) continue
        for (const needle of long.get(text.slice(start, start + SHORT)) ?? []) {
          if (text.startsWith(needle.text, start)) add(needle, start)
        }
      }
    }
    for (const needle of short) {
      for (let start = text.indexOf(needle.text); start !== -1; start = text.indexOf(needle.text, start + 1)) {
        if (needle.form !== 'plain' || standsAlone(text, start, start + needle.text.length)) add(needle, start)
      }
    }
    return found
  }
}

/** Whether what lies between `start` and `end` is a value of its own. */
function standsAlone(text: string, start: number, end: number): boolean {
  const isBegun = start === 0 || BEFORE.test(text.slice(start - 1, start))
  return isBegun && (end === text.length || AFTER.test(text.slice(end, end + 1)))
}

function hashAt(text: string, at: number): number {
  const sampled =
    text.charCodeAt(at) * 7 +
    text.charCodeAt(at + 2) * 131 +
    text.charCodeAt(at + 5) * 2_053 +
    text.charCodeAt(at + 7) * 17_389
  return sampled & 0xffff
}

/** Half a surrogate pair cannot be percent-encoded. */
function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, '\ufffd')
}
