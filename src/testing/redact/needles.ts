import { base64Pieces, fromUnits, toBytes, toHex } from './base64.ts'
import { plainForms } from './layers.ts'

/** Something to look for: a secret, or how it looks when it is encoded. */
export interface Needle<Owner> {
  readonly text: string
  readonly owner: Owner
  readonly form: 'plain' | 'base64' | 'hex'
  /** For `base64`: how many bytes of the first group of three come before it. */
  readonly skip: number
  /** It counts only where it is a value of its own. */
  readonly standsAlone: boolean
}

/** What is as long is nowhere by chance. */
const LONG = 8
/** As long, and of letters and digits mixed: no word, and no number. */
const TELLING = 6
/** The encoded forms of what is shorter than this look like anything else. */
const TOO_SHORT_TO_ENCODE = 4

/**
 * Whether a secret is one wherever it stands. What is no more than a word or a number counts only where it is a value of its
 * own: a password of four digits would else be found in every number.
 */
export function isTelling(secret: string): boolean {
  if (secret.length >= LONG) return true
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-z\d]/i].filter((kind) => kind.test(secret)).length
  return secret.length >= TELLING && kinds > 1 && !/^[A-Z][a-z]+$/.test(secret)
}

/** Everything by which a secret could be found in one of the layers of a text. */
export function needlesOf<Owner>(secret: string, owner: Owner): Needle<Owner>[] {
  if (secret === '') return []
  const toNeedle = (form: Needle<Owner>['form'], text: string, skip = 0): Needle<Owner> => {
    const standsAlone = form === 'plain' && !(isTelling(secret) && isTelling(text))
    return { text, owner, form, skip, standsAlone }
  }
  // What a form makes of a space survives every decoding.
  const spelled = [...new Set([secret, secret.replaceAll(' ', '+')])]
  const misread = isAscii(secret) ? [] : [fromUnits(toBytes(secret))]
  const wide = secret.length < TOO_SHORT_TO_ENCODE ? [] : wideBytes(secret).map(fromUnits)
  const plain = new Set([...spelled, ...plainForms(secret), ...misread, ...wide])
  const needles = Array.from(plain, (text) => toNeedle('plain', text))
  if (secret.length < TOO_SHORT_TO_ENCODE) return needles

  const escaped = new Set([...spelled, encodeURIComponent(wellFormed(secret)), JSON.stringify(secret).slice(1, -1)])
  const narrow = isAscii(secret) || !/^[\0-\xff]*$/.test(secret) ? [] : [fromLatin1(secret)]
  for (const bytes of [...Array.from(escaped, toBytes), ...narrow, ...wideBytes(secret)]) {
    needles.push(toNeedle('hex', toHex(bytes)))
    for (const [skip, piece] of base64Pieces(bytes).entries()) {
      for (const text of new Set([piece, piece.replaceAll('+', '-').replaceAll('/', '_')])) {
        needles.push(toNeedle('base64', text, skip))
      }
    }
  }
  return needles
}

/** The bytes of a text in UTF-16. Of ASCII, those that both orders of bytes have in common. */
function wideBytes(text: string): Uint8Array<ArrayBuffer>[] {
  const little = new Uint8Array(text.length * 2)
  for (let index = 0; index < text.length; index++) {
    little[2 * index] = text.charCodeAt(index) & 0xff
    little[2 * index + 1] = text.charCodeAt(index) >> 8
  }
  if (isAscii(text)) return [little.slice(0, -1)]
  return [little, little.map((_, index) => little[index ^ 1] ?? 0)]
}

function fromLatin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}

/** Half a surrogate pair cannot be percent-encoded. */
function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, '\ufffd')
}
