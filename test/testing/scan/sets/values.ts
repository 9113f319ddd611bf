/**
 * Values that stand where a mark stands in the labelled sets. They look like the real thing in every way that a
 * scanner can see, are the same in every run, and exist nowhere but in memory.
 */

const base64url = (text: string): string => Buffer.from(text).toString('base64url')
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const ALNUM = BASE64URL.slice(0, 62)
const HEX = '0123456789abcdef'
/** What the labelled sets call now. */
export const setsBeginAt: number = Date.parse('2026-11-24T08:00:00Z')

/** A stream of numbers below 1 that only `seed` decides. */
function createStream(seed: string): () => number {
  let state = 2166136261
  for (const letter of seed) state = Math.imul(state ^ letter.charCodeAt(0), 16777619) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

function letters(seed: string, alphabet: string, length: number): string {
  const next = createStream(seed)
  return Array.from({ length }, () => alphabet.charAt(Math.floor(next() * alphabet.length))).join('')
}

/** A compact JWS whose signature is noise. */
export function jwt(seed: string, header: object, claims: object): string {
  const signature = letters(`${seed} signature`, BASE64URL, 86)
  return [base64url(JSON.stringify(header)), base64url(JSON.stringify(claims)), signature].join('.')
}

const claimsOf = (seed: string): object => ({
  iss: 'https://id.example.com/',
  sub: `canary-${seed}`,
  aud: 'https://api.example.com',
  iat: setsBeginAt / 1_000 - 60,
  exp: setsBeginAt / 1_000 + 86_400 * 30,
})

const shapes: Readonly<Record<string, (seed: string) => string>> = {
  jwt: (seed) => jwt(seed, { alg: 'RS256', typ: 'JWT', kid: 'k1' }, claimsOf(seed)),
  jwtes: (seed) => jwt(seed, { alg: 'ES256' }, claimsOf(seed)),
  jwths: (seed) => jwt(seed, { alg: 'HS256', typ: 'JWT' }, { role: 'anon', sub: seed }),
  jwtat: (seed) => jwt(seed, { typ: 'at+jwt', alg: 'ES256', kid: letters(seed, HEX, 8) }, claimsOf(seed)),
  jwe: (seed) =>
    [
      base64url(JSON.stringify({ alg: 'RSA-OAEP', enc: 'A256GCM' })),
      ...[342, 16, 120, 22].map((length, part) => letters(`${seed}${part}`, BASE64URL, length)),
    ].join('.'),
  // Three parts as of a JWT, but no header of one.
  jwtlike: (seed) =>
    [base64url(JSON.stringify({ test: seed, n: 1 })), base64url(JSON.stringify({ id: seed })), 'c2lnbmF0dXJl'].join(
      '.',
    ),
  proof: (seed) =>
    jwt(
      seed,
      { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: 'EC', crv: 'P-256' } },
      { htm: 'GET', htu: 'https://api.example.com/me', jti: seed },
    ),
  opaque: (seed) => letters(seed, BASE64URL, 43),
  opq22: (seed) => letters(seed, BASE64URL, 22),
  hex32: (seed) => letters(seed, HEX, 32),
  hex40: (seed) => letters(seed, HEX, 40),
  hex64: (seed) => letters(seed, HEX, 64),
  uuid: (seed) => letters(seed, HEX, 32).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-a$4-$5'),
  b64: (seed) => `${letters(seed, `${ALNUM}+/`, 40)}+/A=`,
  dots: (seed) =>
    `${letters(seed, ALNUM, 12)}.${letters(`${seed}2`, `${ALNUM}~-`, 20)}~${letters(`${seed}3`, ALNUM, 8)}`,
  google: (seed) => `ya29.${letters(seed, BASE64URL, 160)}`,
  github: (seed) => `gho_${letters(seed, ALNUM, 36)}`,
  slack: (seed) => `xoxp-${letters(seed, '0123456789', 12)}-${letters(`${seed}2`, HEX, 32)}`,
  salesforce: (seed) => `00D${letters(seed, ALNUM, 12)}!AR${letters(`${seed}2`, `${ALNUM}._`, 90)}`,
  paseto: (seed) => `v4.local.${letters(seed, BASE64URL, 120)}`,
  pw: (seed) => `Canary${letters(seed, '0123456789', 4)}!${letters(seed, ALNUM, 5)}`,
}

/** The value of the shape `shape` with the name `seed`; the same shape and name give the same value everywhere. */
export function valueOf(shape: string, seed: string): string {
  const make = shapes[shape]
  if (make === undefined) throw new Error(`no shape is called ${shape}`)
  return make(`${shape} ${seed}`)
}

/** How a value may be written where it stands. */
export function encoded(value: string, encoding: string | undefined): string {
  switch (encoding) {
    case undefined:
      return value
    case 'pct':
      return encodeURIComponent(value)
    case 'b64':
      return Buffer.from(value).toString('base64')
    default:
      throw new Error(`no encoding is called ${encoding}`)
  }
}
