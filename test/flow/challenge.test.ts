import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { type Action, type Attempt, type Challenge, judge, parseChallenges } from '../../src/flow/challenge.ts'
import type { Answer } from '../../src/flow/exchange.ts'
import { anyText } from '../support/any-text.ts'

interface Expected {
  readonly complete: boolean
  readonly challenges: readonly {
    readonly scheme: string
    readonly params: Readonly<Record<string, string>>
  }[]
}
interface Header {
  readonly name: string
  readonly header: string
  readonly expect: Expected
}
interface Decision {
  readonly name: string
  readonly status: number
  readonly www: string | null
  readonly sent: Attempt['sent'] | null
  readonly action: Action
  readonly alreadyRetried?: boolean
  readonly alreadyNonceRetried?: boolean
  readonly dpopNonce?: string | null
  readonly scope?: string
  readonly acr_values?: string
  readonly max_age?: null
}
interface Vectors {
  readonly wwwAuthenticate: {
    readonly rfcExamples: readonly Header[]
    readonly hardCases: readonly Header[]
    readonly malformed: { readonly cases: readonly Header[] }
    readonly performance: { readonly cases: readonly { readonly name: string; readonly build: Build }[] }
  }
  readonly resourceDecisions: { readonly cases: readonly Decision[] }
}
interface Build {
  readonly prefix: string
  readonly repeat: string
  readonly times: number
  readonly suffix: string
}

const { wwwAuthenticate, resourceDecisions } = JSON.parse(
  readFileSync(new URL('../vectors.json', import.meta.url), 'utf8'),
) as Vectors

/** Which names occur twice, and what a token68 says, nobody asks. */
const asExpected = ({ scheme, params }: Challenge): unknown => ({ scheme, params: [...params] })

const answerOf = (status: number, headers: Readonly<Record<string, string | null>> = {}): Answer => ({
  status,
  header: (name) => headers[name] ?? null,
})
const denied = (status: number, challenge: string | null): Answer => answerOf(status, { 'www-authenticate': challenge })

describe('parseChallenges', () => {
  const { rfcExamples, hardCases, malformed, performance } = wwwAuthenticate

  test.each([...rfcExamples, ...hardCases, ...malformed.cases])(
    'reads the vector $name',
    ({ header, expect: wanted }) => {
      const { complete, challenges } = parseChallenges(header)
      expect(complete).toBe(wanted.complete)
      expect(challenges.map(asExpected)).toEqual(
        wanted.challenges.map(({ scheme, params }) => ({ scheme, params: Object.entries(params) })),
      )
      expect({}).not.toHaveProperty('error')
    },
  )

  test.each([
    ['Bearer Basic realm="x"', { complete: false, challenges: [] }],
    ['Bearer realm="a", Basic realm="b" x', { complete: false, challenges: ['bearer'] }],
    ['Negotiate"x"', { complete: false, challenges: [] }],
    ['Basic , realm="a"', { complete: true, challenges: ['basic'] }],
    ['Bearer\trealm="a"', { complete: true, challenges: ['bearer'] }],
    ['= x', { complete: false, challenges: [] }],
    ['Bearer =x', { complete: false, challenges: [] }],
    ['', { complete: true, challenges: [] }],
  ])('keeps what was complete before the error in %j', (header, wanted) => {
    const { complete, challenges } = parseChallenges(header)
    expect({ complete, challenges: challenges.map(({ scheme }) => scheme) }).toEqual(wanted)
  })

  test.each(performance.cases)('takes linear time for $name', ({ build: { prefix, repeat, times, suffix } }) => {
    const best = (count: number): number => {
      const header = prefix + repeat.repeat(count) + suffix
      const runs = Array.from({ length: 5 }, () => {
        const before = process.cpuUsage()
        parseChallenges(header)
        return process.cpuUsage(before).user / 1_000
      })
      return Math.min(...runs)
    }
    best(1_000)
    // A quadratic parser needs minutes. The floor keeps a busy machine from deciding.
    expect(best(times * 4)).toBeLessThan(Math.max(best(times) * 12, 250))
  })

  test('never throws, whatever the header holds', () => {
    const part = fc.constantFrom(
      'Bearer',
      'DPoP',
      ' ',
      '\t',
      ',',
      '=',
      '"',
      '\\',
      'error',
      'invalid_token',
      '\0',
      'é',
      '/',
      '==',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          fc.array(part).map((parts) => parts.join('')),
        ),
        (header) => {
          for (const { scheme, params } of parseChallenges(header).challenges) {
            expect(scheme).toBe(scheme.toLowerCase())
            for (const name of params.keys()) expect(name).toMatch(/^[\w!#$%&'*+.^`|~-]+$/)
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('what follows a token68 is no parameter of its scheme, however many spaces come before it', () => {
    expect(parseChallenges('Negotiate abc= , a=b')).toMatchObject({
      complete: false,
      challenges: [{ scheme: 'negotiate', params: new Map() }],
    })
    expect(parseChallenges('Negotiate  abc=')).toMatchObject({ complete: true, challenges: [{ scheme: 'negotiate' }] })
  })
})

describe('judge', () => {
  /** The answer to a request that went bare is the caller's, whatever it says: nobody asks for a verdict. */
  const isJudged = (row: Decision): row is Decision & Attempt => row.sent !== null
  const judged = resourceDecisions.cases.filter(isJudged)

  test.each(judged)('decides the vector $name: $action', (row) => {
    const answer = answerOf(row.status, { 'www-authenticate': row.www, 'dpop-nonce': row.dpopNonce ?? null })
    const verdict = judge(answer, {
      sent: row.sent,
      tried: [
        ...(row.alreadyRetried === true ? (['refresh-retry'] as const) : []),
        ...(row.alreadyNonceRetried === true ? (['nonce-retry'] as const) : []),
      ],
    })
    expect(verdict.action).toBe(row.action)
    expect(verdict.scope).toBe(row.scope)
    expect(verdict.acrValues).toBe(row.acr_values)
    expect(verdict.maxAge).toBe(row.max_age ?? undefined)
  })

  test('covers all rows of the table', () => {
    const bare = resourceDecisions.cases.filter(({ sent }) => sent === null)
    expect([judged.length, bare.length]).toEqual([22, 4])
  })

  const bearer = { sent: 'Bearer' } as const

  test.each([
    ['no header that can be read', null],
    ['an empty header', ''],
    ['no error code', 'Bearer realm="api"'],
    ['an error code that nobody knows', 'Bearer error="token_expired"'],
    ['a malformed header', 'Bearer error="insufficient_scope'],
    ['a header that breaks off after the challenge for another scheme', 'Basic realm="x", Bearer realm="'],
  ])('F89: a 401 with %s means that the token was refused', (_, challenge) => {
    expect(judge(denied(401, challenge), bearer).action).toBe('refresh-retry')
  })

  test('F89: a 401 that challenges for another scheme only says nothing about the token', () => {
    expect(judge(denied(401, 'Basic realm="x", Negotiate'), bearer)).toEqual({ action: 'propagate' })
    expect(judge(denied(401, 'DPoP error="invalid_token"'), bearer)).toEqual({ action: 'propagate' })
  })

  test.each([
    ['no header', null],
    ['no error code', 'Bearer realm="api"'],
    ['an unknown error code', 'Bearer error="token_expired"'],
    ['a malformed header', 'Bearer error="invalid_token'],
  ])('F90: a 403 with %s is no refused token', (_, challenge) => {
    expect(judge(denied(403, challenge), bearer).action).toBe('propagate')
  })

  test('F90: insufficient_scope asks for scope, never for a refresh, whatever the status', () => {
    for (const status of [401, 403]) {
      expect(judge(denied(status, 'Bearer error="insufficient_scope", scope="a b"'), bearer)).toMatchObject({
        action: 'request-scope',
        error: 'insufficient_scope',
        scope: 'a b',
      })
    }
  })

  test('F91: an answer that the application calls refused is judged like a 401, and only once', () => {
    for (const status of [200, 403, 419, 440]) {
      const answer = { ...answerOf(status), refused: true }
      expect(judge(answer, bearer).action).toBe('refresh-retry')
      expect(judge(answer, { ...bearer, tried: ['refresh-retry'] }).action).toBe('propagate')
    }
  })

  test('of several challenges of the scheme the first with an error code counts', () => {
    const header = 'Bearer realm="a", Bearer error="insufficient_scope", Bearer error="invalid_token"'
    expect(judge(denied(401, header), bearer).action).toBe('request-scope')
  })

  test('a DPoP nonce that can be read is used once, and a refused proof is made anew once', () => {
    const nonce = answerOf(401, { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'n1' })
    expect(judge(nonce, { sent: 'DPoP' }).action).toBe('nonce-retry')
    const proof = denied(401, 'DPoP error="invalid_dpop_proof"')
    expect(judge(proof, { sent: 'DPoP', tried: ['nonce-retry'] }).action).toBe('proof-retry')
    expect(judge(proof, { sent: 'DPoP', tried: ['proof-retry'] }).action).toBe('propagate')
  })

  test('untrusted text with characters that RFC 6750 does not allow is dropped', () => {
    const challenge = (params: string): string => `Bearer error="insufficient_user_authentication", ${params}`
    for (const bad of ['scope="a\\"b"', 'scope="a\\\\b"', 'scope="a\tb"', 'scope="caf\u00e9"', 'scope=""']) {
      expect(judge(denied(401, challenge(bad)), bearer).scope).toBeUndefined()
    }
    expect(judge(denied(401, 'Bearer error="\u00e9"'), bearer)).toMatchObject({
      action: 'refresh-retry',
      error: undefined,
    })
    expect(judge(denied(401, challenge('acr_values="urn:a \u202e"')), bearer).acrValues).toBeUndefined()
  })

  test('max_age is a non-negative integer or nothing', () => {
    const maxAge = (value: string): number | undefined =>
      judge(denied(401, `Bearer error="insufficient_user_authentication", max_age=${value}`), bearer).maxAge
    expect(maxAge('3600')).toBe(3_600)
    expect(['5', '"5"', '0', '"-5"', '1.5', '1e3', `"${'9'.repeat(400)}"`].map(maxAge)).toEqual([
      ...[5, 5, 0],
      ...[undefined, undefined, undefined, undefined],
    ])
  })

  test('F115: an answer is refused by what the application says of it, and by no polluted prototype', () => {
    const polluted = Object.assign(Object.create({ refused: true }) as object, answerOf(200))
    expect(judge(polluted, bearer).action).toBe('propagate')
    expect(judge({ ...answerOf(200), refused: false }, bearer).action).toBe('propagate')
  })

  test('tells where the resource says what it is', () => {
    const metadata = 'https://api.example.com/.well-known/oauth-protected-resource'
    expect(judge(denied(401, `Bearer resource_metadata="${metadata}"`), bearer)).toMatchObject({ metadata })
  })

  test('D-17: a proxy that asks for credentials gets none, whatever it asks for', () => {
    const challenged = { status: 407, header: () => 'DPoP error="use_dpop_nonce"' }
    expect(judge(challenged, { sent: 'DPoP' })).toEqual({ action: 'propagate' })
  })

  test('reads no header unless the status is 401 or 403', () => {
    const header = vi.fn(() => null)
    for (const status of [0, 200, 204, 400, 404, 429, 500]) judge({ status, header }, bearer)
    expect(header).not.toHaveBeenCalled()
    expect(judge({ status: 200, header }, bearer)).toBe(judge({ status: 503, header }, bearer))
  })
})
