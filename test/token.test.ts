import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tokenErrorOf } from '../src/errors.ts'
import {
  isB64Token,
  MAX_LIFETIME_MS,
  MIN_LIFETIME_MS,
  parseTokenResponse,
  remainingMs,
  type TokenSet,
} from '../src/token.ts'
import { anyText } from './support/any-text.ts'

interface Case {
  readonly name: string
  readonly context: {
    readonly dpop?: boolean
    readonly previousRefreshToken?: string
    readonly requestedScope?: string
  }
  readonly body: unknown
  readonly expect: {
    readonly ok: boolean
    readonly accessToken?: string
    readonly expiresIn?: number | null
    readonly refreshToken?: string
    readonly scope?: string
    readonly authorizationExpiresIn?: number
    readonly lenient?: { readonly ok: boolean }
  }
}
interface Vectors {
  readonly tokenResponses: { readonly cases: readonly Case[] }
  readonly b64token: {
    readonly valid: readonly string[]
    readonly invalid: readonly { readonly value: string; readonly why: string }[]
    readonly sentinel: { readonly values: readonly string[] }
  }
}

const { tokenResponses, b64token } = JSON.parse(
  readFileSync(new URL('vectors.json', import.meta.url), 'utf8'),
) as Vectors

const obtained = { wall: 1_700_000_000_000, monotonic: 5_000 }
const parse = (response: unknown, previous?: TokenSet): TokenSet => parseTokenResponse(response, obtained, { previous })
const lifetimeOf = (expiresIn: unknown): number | undefined =>
  parse({ access_token: 'abc', expires_in: expiresIn }).lifetimeMs

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
  } catch (error) {
    expect(tokenErrorOf(error)?.transient).toBe(true)
    return tokenErrorOf(error)?.code
  }
  return undefined
}

describe('parseTokenResponse', () => {
  // No key, so DPoP cannot be asked for; and no token_type means Bearer, so a wrong one is all that can be wrong of it.
  const applicable = tokenResponses.cases.filter(({ context }) => context.dpop !== true)

  test.each(applicable)('reads the vector $name', ({ context, body, expect: wanted }) => {
    if (!(wanted.lenient ?? wanted).ok) {
      expect(codeOf(() => parse(body))).toBe('malformed_response')
      return
    }
    const previous = parse({
      access_token: 'previous',
      refresh_token: context.previousRefreshToken,
      scope: context.requestedScope,
    })
    const tokens = parse(body, previous)
    expect(tokens.tokenType).toBe('Bearer')
    if (wanted.accessToken !== undefined) expect(tokens.accessToken).toBe(wanted.accessToken)
    if (wanted.expiresIn !== undefined) {
      // What ends at once is used for a second.
      const seconds = wanted.expiresIn === null ? undefined : Math.max(wanted.expiresIn, 1)
      expect(tokens.lifetimeMs).toBe(seconds && seconds * 1_000)
    }
    if (wanted.refreshToken !== undefined) {
      expect(tokens.refreshToken).toBe(wanted.refreshToken === 'KEEP' ? 'old' : wanted.refreshToken)
    }
    if (wanted.scope !== undefined) {
      expect(tokens.scope).toEqual(wanted.scope === 'UNCHANGED' ? previous.scope : wanted.scope.split(' '))
    }
    if (wanted.authorizationExpiresIn !== undefined) {
      expect(tokens.sessionLifetimeMs).toBe(wanted.authorizationExpiresIn * 1_000)
    }
    expect({}).not.toHaveProperty('polluted')
  })

  test('F40: keeps the refresh token when the answer holds none, also as null or an empty text', () => {
    const previous = parse({ access_token: 'abc', refresh_token: 'R1' })
    for (const refreshToken of [undefined, null, '', 7, {}]) {
      expect(parse({ access_token: 'def', refresh_token: refreshToken }, previous).refreshToken).toBe('R1')
    }
    expect(parse({ access_token: 'def' }, previous).refreshToken).toBe('R1')
  })

  test('F41: discards the refresh token that a new one replaces', () => {
    const previous = parse({ access_token: 'abc', refresh_token: 'R1' })
    expect(JSON.stringify(parse({ access_token: 'def', refresh_token: 'R2' }, previous))).not.toContain('R1')
  })

  test('F61: a lifetime beyond what a timer or a date can hold is cut, and stays finite', () => {
    expect(lifetimeOf(30 * 86_400)).toBe(30 * 86_400_000)
    for (const seconds of [Number.MAX_SAFE_INTEGER, 1e308, '9'.repeat(300)]) {
      expect(lifetimeOf(seconds)).toBe(MAX_LIFETIME_MS)
    }
    expect(Number.isNaN(new Date(obtained.wall + MAX_LIFETIME_MS).getTime())).toBe(false)
  })

  test('F62: a missing or unusable expires_in means unknown, never NaN', () => {
    for (const odd of [undefined, null, '', 'soon', Number.NaN, Infinity, '1e3', '-1', true, {}, []]) {
      expect(lifetimeOf(odd)).toBeUndefined()
    }
    expect(remainingMs(parse({ access_token: 'abc' }), { wall: 9e15, monotonic: 9e15 })).toBe(Infinity)
  })

  test('F63: expires_in as text counts as the number it spells', () => {
    expect(['3600', '3600.5', 'abc'].map(lifetimeOf)).toEqual([3_600_000, 3_600_000, undefined])
  })

  test('F64: a lifetime of zero or less is used for one second', () => {
    for (const seconds of [0, -1, '0', 0.5, -1e300]) expect(lifetimeOf(seconds)).toBe(MIN_LIFETIME_MS)
  })

  test.each(b64token.valid)('F111: accepts a token of the b64token grammar (%#)', (token) => {
    expect(parse({ access_token: token }).accessToken).toBe(token)
    expect(isB64Token(token)).toBe(true)
  })

  test.each(b64token.invalid)('F111: of $why, accepts only what is visible ASCII', ({ value }) => {
    expect(isB64Token(value)).toBe(false)
    if (/^[\x21-\x7e]+$/.test(value)) expect(parse({ access_token: value }).accessToken).toBe(value)
    else expect(codeOf(() => parse({ access_token: value }))).toBe('malformed_response')
  })

  test('F111: any text is taken as it is or refused, never repaired', () => {
    fc.assert(
      fc.property(anyText, (token) => {
        const code = codeOf(() => {
          expect(parse({ access_token: token }).accessToken).toBe(token)
        })
        expect(code).toBe(/^[\x21-\x7e]+$/.test(token) ? undefined : 'malformed_response')
      }),
    )
  })

  test('F112: what is no text, holds a space, or is the remains of a missing value is refused', () => {
    for (const odd of [null, undefined, 1, {}, ['abc'], 'Bearer abc', ...b64token.sentinel.values]) {
      expect(codeOf(() => parse({ access_token: odd }))).toBe('malformed_response')
    }
  })

  test('F113: the token type is always spelled Bearer, and an unknown one refused', () => {
    for (const type of ['bearer', 'BEARER', 'Bearer', undefined, null]) {
      expect(parse({ access_token: 'abc', token_type: type }).tokenType).toBe('Bearer')
    }
    for (const type of ['mac', 'N_A', 'DPoP', 'Bearer ', 'Bearer\n', 1, {}]) {
      expect(codeOf(() => parse({ access_token: 'abc', token_type: type }))).toBe('malformed_response')
    }
  })

  test('F115: a polluted Object.prototype supplies nothing', () => {
    const polluted = { access_token: 'evil', refresh_token: 'evil', expires_in: 1, token_type: 'mac', scope: 'evil' }
    for (const [name, value] of Object.entries(polluted)) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
    }
    try {
      expect(codeOf(() => parse({}))).toBe('malformed_response')
      const tokens = parse({ access_token: 'abc' })
      expect([tokens.refreshToken, tokens.lifetimeMs, tokens.scope]).toEqual([undefined, undefined, []])
    } finally {
      for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name)
    }
  })

  test('never throws anything but a TokenError, and no lifetime is ever infinite or NaN', () => {
    const value = fc.oneof(fc.jsonValue(), fc.double(), fc.string(), fc.constant(undefined))
    const response = fc.record(
      {
        access_token: fc.oneof(fc.constant('abc'), value),
        token_type: fc.oneof(fc.constant('bearer'), value),
        ...{ expires_in: value, refresh_token: value, scope: value, id_token: value, authorization_expires_in: value },
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(response, value), (body) => {
        let tokens: TokenSet | undefined
        const code = codeOf(() => (tokens = parse(body)))
        if (tokens === undefined) expect(code).toBe('malformed_response')
        else {
          expect(Number.isFinite(tokens.lifetimeMs ?? 0)).toBe(true)
          expect(Number.isFinite(tokens.sessionLifetimeMs ?? 0)).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  test.each([0, -1, '0', 0.5])('a session that is said to end in %j seconds is one that never ends', (seconds) => {
    const tokens = parse({ access_token: 'abc', authorization_expires_in: seconds })
    expect(tokens.sessionLifetimeMs).toBeUndefined()
  })

  test('what is left of the session goes on counting when an answer does not say it again', () => {
    const first = parse({ access_token: 'abc', authorization_expires_in: 100 })
    const later = { wall: obtained.wall + 30_000, monotonic: obtained.monotonic + 30_000 }
    expect(parseTokenResponse({ access_token: 'def' }, later, { previous: first }).sessionLifetimeMs).toBe(70_000)
  })
})

describe('remainingMs', () => {
  test('counts by the clock that says that more time has passed', () => {
    const tokens = parse({ access_token: 'abc', expires_in: 100 })
    const at = (wall: number, monotonic: number): number =>
      remainingMs(tokens, { wall: obtained.wall + wall, monotonic: obtained.monotonic + monotonic })
    expect([at(0, 0), at(60_000, 0), at(-86_400_000, 60_000)]).toEqual([100_000, 40_000, 40_000])
  })
})
