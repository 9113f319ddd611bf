/**
 * Whether `value` looks as if a machine had drawn it at random: long enough, and neither words, a date, a version, a
 * path, an identifier of a program, nor one of the examples that everybody copies out of the standards.
 */
export function looksRandom(value: string): boolean {
  if (value.length < 16 || value.length > LONGEST) return false
  if (UUID.test(value)) return !/^0{8}-0{4}/.test(value)
  if (EXAMPLES.has(value) || NOT_RANDOM.test(value)) return false
  const bits = bitsPerLetter(value)
  return !isWords(value) && bits >= 2 && bits * Math.min(value.length, 256) >= 46
}

/** Whether a person would choose `value` as a password, rather than write it where one belongs. */
export function looksLikePassword(value: string): boolean {
  const classes = [/[a-z]/, /[A-Z]/, /\d/, /[^\w]/].filter((pattern) => pattern.test(value)).length
  return value.length >= 8 && value.length <= 128 && classes >= 2 && !NOT_RANDOM.test(value) && !isWords(value)
}

/** Longer values are no tokens: no server takes a header of that length. */
const LONGEST = 8_192
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const NOT_RANDOM =
  /^(?:\d[\d.,:_-]*|\d{4}-\d\d-\d\d.*|v?\d+\.\d+\.\d+.*|\/.*|\.{1,2}\/.*|https?\b.*|urn\b.*|data\b.*|sha\d+[-~].*|process\.env.*)$|x{6}|redact|placeholder|changeme|^<?your[-_a-z]|[-_]your[-_]|example|not-a-|dummy|undefined/i

/** RFC 6749, 6750, 7636, 7662 and 9449 print these, and so does half of all documentation. */
const EXAMPLES = new Set([
  'mF_9.B5f-4.1JqM',
  '2YotnFZFEjr1zCsicMWpAA',
  'tGzv3JOkF0XG5Qx2TlKWIA',
  'SplxlOBeZQQYbYS6WxSbIA',
  'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU',
])

/** Whether `value` is made of words and small numbers: `offline-access`, `nextPageToken`, `user_service_v2`. */
function isWords(value: string): boolean {
  const parts = value.split(/[-_.~+/=:!]+/).filter((part) => part !== '' && !/^\d{1,4}$/.test(part))
  // Words may end in a number, but are not full of them.
  if (parts.some((part) => /\d\D+\d/.test(part))) return false
  const words = parts.flatMap((part) => part.replace(/([a-z\d])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$3 $2').split(' '))
  // What changes between small and capital letters every other letter is no name, though each piece could be a word.
  const isMixed = /[a-z]/.test(value) && /[A-Z]/.test(value)
  if (isMixed && (parts.join('').length < words.length * 4 || words.some((word) => /[A-Z]{6}/.test(word)))) return false
  return words.every((word) => /^(?:[A-Z]?[a-z]{1,19}|[A-Z]{1,19})\d{0,2}$/.test(word) && isPronounceable(word))
}

/** Words have vowels, and not more than five consonants on end. */
function isPronounceable(word: string): boolean {
  return word.length < 5 || (/[aeiouy]/i.test(word) && !/[^aeiouy\d]{6}/i.test(word))
}

/** Shannon's entropy of the letters of `value`. */
function bitsPerLetter(value: string): number {
  const counts = new Map<string, number>()
  const sample = value.slice(0, 256)
  for (const letter of sample) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / sample.length) * Math.log2(count / sample.length)
  return bits
}
