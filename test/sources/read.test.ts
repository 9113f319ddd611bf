import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tokenErrorOf } from '../../src/errors.ts'
import { parseHttpDate } from '../../src/lib/http-date.ts'
import { readTokenResponse } from '../../src/sources/read.ts'
import { parseTokenResponse, type TokenResponse } from '../../src/token.ts'

const NOW = Date.UTC(2026, 10, 22, 12)
const SECONDS = NOW / 1_000
const SERVER = new Date(NOW).toUTCString()
const MINUTE_LATER = '2026-11-22T12:01:00'

const jwtOf = (claims: object): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`
const read = (body: unknown, date: string | null = SERVER, now: number = NOW): TokenResponse | undefined =>
  readTokenResponse(body, { at: now, serverNow: parseHttpDate(date) })

describe('readTokenResponse', () => {
  const wire = {
    access_token: 'abc',
    token_type: 'Bearer',
    expires_in: 60,
    refresh_token: 'R',
    scope: 'a b',
    id_token: 'i',
  }

  test('reads the names of RFC 6749', () => {
    expect(read({ ...wire, authorization_expires_in: 9 })).toEqual({ ...wire, authorization_expires_in: 9 })
  })

  test('reads the same names in camel case', () => {
    const camel = {
      accessToken: 'abc',
      tokenType: 'Bearer',
      expiresIn: 60,
      refreshToken: 'R',
      scope: 'a b',
      idToken: 'i',
    }
    expect(read(camel)).toEqual(wire)
  })

  test.each(['access_token', 'accessToken', 'token', 'jwt'])('finds the access token in %s', (name) => {
    expect(read({ [name]: 'abc' })).toEqual({ access_token: 'abc' })
  })

  test.each(['data', 'result', 'session', 'tokens', 'token'])('finds the tokens inside %s', (name) => {
    expect(read({ status: 'ok', [name]: wire })).toEqual(wire)
    expect(read({ data: { [name]: wire } })).toEqual(wire)
  })

  test('prefers what can be nothing but the access token', () => {
    expect(read({ token: 'csrf', data: { access_token: 'abc' } })).toEqual({ access_token: 'abc' })
  })

  test('reads scopes as a list or a text', () => {
    for (const scopes of [
      { scope: ['a', 'b'] },
      { scopes: ['a', 'b'] },
      { scopes: 'a b' },
      { scopes: ['a', 1, '', 'b'] },
    ]) {
      expect(read({ token: 'abc', ...scopes })?.scope).toBe('a b')
    }
  })

  test.each([
    ['ISO text', `${MINUTE_LATER}Z`],
    ['ISO text with milliseconds', `${MINUTE_LATER}.000Z`],
    ['ISO text with seven digits', `${MINUTE_LATER}.1234567Z`],
    ['ISO text with an offset', '2026-11-22T14:01:00+02:00'],
    ['ISO text with an offset of four digits', '2026-11-22T14:01:00.000+0200'],
    ['ISO text without a zone, which means UTC', MINUTE_LATER],
    ['the text of a database', '2026-11-22 12:01:00'],
    ['an HTTP-date', 'Sun, 22 Nov 2026 12:01:00 GMT'],
    ['epoch seconds', SECONDS + 60],
    ['epoch seconds as text', String(SECONDS + 60)],
    ['epoch milliseconds', NOW + 60_000],
  ])('reads an expiry given as %s', (_, value) => {
    expect(read({ token: 'abc', expires_at: value })?.expires_in).toBe(60)
    expect(read({ token: 'abc', expiresAt: value })?.expires_in).toBe(60)
  })

  test.each([['1h'], [''], [null], [true], [{}], [3600], ['-1'], ['2026-99-99T00:00:00Z'], ['yesterday']])(
    'takes an expiry of %j for unknown, and looks into the JWT',
    (value) => {
      expect(read({ token: 'abc', expiresAt: value })?.expires_in).toBeUndefined()
      const token = jwtOf({ iat: SECONDS, exp: SECONDS + 30 })
      expect(read({ token, expiresAt: value })?.expires_in).toBe(30)
    },
  )

  test('F62: an unusable duration gives way to an instant, and that to the JWT', () => {
    const token = jwtOf({ iat: SECONDS - 5, exp: SECONDS + 25 })
    expect(read({ token, expiresIn: 60, expiresAt: NOW + 90_000 })?.expires_in).toBe(60)
    expect(read({ token, expiresIn: '15m', expiresAt: NOW + 90_000 })?.expires_in).toBe(90)
    expect(read({ token, expiresIn: null })?.expires_in).toBe(30)
    expect(read({ token: jwtOf({ exp: SECONDS + 25 }) })?.expires_in).toBe(25)
    expect(read({ token: jwtOf({ exp: 'soon' }) })?.expires_in).toBeUndefined()
    expect(read({ token: jwtOf({ iat: -1e308, exp: 1.7e308 }) })?.expires_in).toBeUndefined()
  })

  test('F66: an instant counts from the clock of the server, however wrong the clock of the device is', () => {
    for (const skew of [-86_400_000, 0, 86_400_000]) {
      const body = { token: 'abc', expiresAt: NOW + 60_000 }
      expect(read(body, SERVER, NOW + skew)?.expires_in).toBe(60)
      const jwt = jwtOf({ iat: SECONDS, exp: SECONDS + 60 })
      expect(read({ token: jwt }, null, NOW + skew)?.expires_in).toBe(60)
      expect(read({ token: jwt, expiresAt: NOW + 45_000 }, null, NOW + skew)?.expires_in).toBe(45)
    }
  })

  test('F66: without a readable Date and a JWT the clock of the device has to do', () => {
    expect(read({ token: 'abc', expiresAt: NOW + 60_000 }, null, NOW + 20_000)?.expires_in).toBe(40)
    expect(read({ token: 'abc', expiresAt: NOW + 60_000 }, 'yesterday', NOW)?.expires_in).toBe(60)
  })

  test('F40: an odd optional member does not spoil a good answer', () => {
    const odd = { refresh_token: 1, scope: {}, id_token: [], expires_in: 'x', authorization_expires_in: 'y' }
    const tokens = parseTokenResponse(read({ access_token: 'abc', ...odd }), { wall: NOW, monotonic: 0 })
    expect(tokens).toMatchObject({ accessToken: 'abc', refreshToken: undefined, lifetimeMs: undefined, scope: [] })
  })

  test('F113: a token type that is no text does not pass for none', () => {
    const response = read({ access_token: 'abc', token_type: 1 })
    expect(() => parseTokenResponse(response, { wall: NOW, monotonic: 0 })).toThrow('token_type')
  })

  test.each([[null], ['abc'], [1], [[{ access_token: 'abc' }]], [{}], [{ access_token: '' }], [{ token: { id: 1 } }]])(
    'F51: finds no access token in %j',
    (body) => {
      expect(read(body)).toBeUndefined()
    },
  )

  test('F115: a polluted Object.prototype supplies nothing', () => {
    const polluted = {
      accessToken: 'evil',
      refreshToken: 'evil',
      expiresAt: 0,
      data: { token: 'evil' },
      exp: 1,
      scopes: ['x'],
    }
    for (const [name, value] of Object.entries(polluted)) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
    }
    try {
      expect(read({})).toBeUndefined()
      expect({ ...read({ token: jwtOf({ sub: 'a' }) }) }).toEqual({ access_token: jwtOf({ sub: 'a' }) })
    } finally {
      for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name)
    }
    expect(read(JSON.parse('{"__proto__":{"token":"evil"}}'))).toBeUndefined()
  })

  test('never throws, and what it reads is parsed or refused, with a finite lifetime', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.string(),
      fc.double(),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.record({ iat: fc.double(), exp: fc.double() }).map(jwtOf),
    )
    const names = [
      'access_token',
      'accessToken',
      'token',
      'jwt',
      'expiresIn',
      'expires_at',
      'expiresAt',
      'refreshToken',
      'scopes',
    ]
    const flat = fc.dictionary(fc.constantFrom(...names, 'token_type', '__proto__'), value)
    const nested = fc.dictionary(fc.constantFrom('data', 'result', 'tokens', 'token'), flat)
    const date = fc.option(fc.oneof(fc.constant(SERVER), fc.string()))
    fc.assert(
      fc.property(fc.oneof(flat, nested, value), date, (body, given) => {
        const response = read(body, given)
        if (response === undefined) return
        expect(Number.isFinite(response.expires_in ?? 0)).toBe(true)
        try {
          expect(Number.isFinite(parseTokenResponse(response, { wall: NOW, monotonic: 0 }).lifetimeMs ?? 0)).toBe(true)
        } catch (error) {
          expect(tokenErrorOf(error)?.code).toBe('malformed_response')
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
