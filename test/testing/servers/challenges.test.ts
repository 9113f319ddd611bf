import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { judge, parseChallenges } from '../../../src/flow/challenge.ts'
import { challengeOf, judgeClaims, refusal, type AccessProblem } from '../../../src/testing/servers/bearer.ts'

interface Vectors {
  readonly resourceDecisions: {
    readonly cases: readonly {
      readonly name: string
      readonly status: number
      readonly www: string
      readonly sent: 'Bearer' | 'DPoP'
      readonly action: string
    }[]
  }
  readonly wwwAuthenticate: { readonly rfcExamples: readonly { readonly name: string; readonly header: string }[] }
}
const { resourceDecisions, wwwAuthenticate } = JSON.parse(
  readFileSync(new URL('../../vectors.json', import.meta.url), 'utf8'),
) as Vectors

const invalid: AccessProblem = { error: 'invalid_token', description: 'The access token expired' }

describe('what the servers answer is what clients decide by', () => {
  test.each<[string, 'Bearer' | 'DPoP', AccessProblem]>([
    ['expired', 'Bearer', invalid],
    ['403-insufficient-scope', 'Bearer', { error: 'insufficient_scope', scope: 'orders:write' }],
    ['401-invalid-request', 'Bearer', { error: 'invalid_request', description: 'two tokens' }],
    ['step-up-acr', 'Bearer', { error: 'insufficient_user_authentication', acrValues: 'myACR' }],
    ['rs-invalid-proof', 'DPoP', { error: 'invalid_dpop_proof' }],
    ['rs-dpop-invalid-token', 'DPoP', invalid],
  ])('the decision vector %s', (name, scheme, problem) => {
    const vector = resourceDecisions.cases.find((one) => one.name === name)
    const { status, headers } = refusal(problem, challengeOf(problem, { scheme }))
    // RFC 6750 section 3.1 wants 400 for this one.
    expect(status).toBe(name === '401-invalid-request' ? 400 : vector?.status)
    const header = String(headers?.['WWW-Authenticate'])
    const [own] = parseChallenges(header).challenges
    const [wanted] = parseChallenges(vector?.www ?? '').challenges
    expect(own?.scheme).toBe(wanted?.scheme)
    for (const [parameter, value] of wanted?.params ?? []) {
      if (parameter !== 'algs') expect(own?.params.get(parameter)).toBe(value)
    }
    const verdict = judge(
      { status, header: (asked) => (asked === 'www-authenticate' ? header : null) },
      { sent: scheme },
    )
    expect(verdict.action).toBe(vector?.action)
  })

  test.each<[string, string]>([
    ['rfc6750-no-auth', challengeOf({ error: 'no_token' }, { scheme: 'Bearer', realm: 'example' })],
    ['rfc6750-expired', challengeOf(invalid, { scheme: 'Bearer', realm: 'example', describe: true })],
  ])('the example %s of the RFCs is what we say', (name, own) => {
    expect(own).toBe(wwwAuthenticate.rfcExamples.find((one) => one.name === name)?.header)
  })

  test('what is quoted cannot break out', () => {
    const scope = 'a" error="x\\'
    const [challenge] = parseChallenges(
      challengeOf({ error: 'insufficient_scope', scope }, { scheme: 'Bearer' }),
    ).challenges
    expect([...(challenge?.params ?? [])]).toEqual([
      ['error', 'insufficient_scope'],
      ['scope', scope],
    ])
  })
})

describe('claims', () => {
  const rules = { now: 1_000_000, issuer: 'https://as', audience: 'api', scope: 'a b', acr: 'mfa' }
  const good = { exp: 1_001, nbf: 1_000, iss: 'https://as', aud: ['x', 'api'], scope: 'b a c', acr: 'mfa' }

  test('good ones are good, and what is not asked for is not needed', () => {
    expect(judgeClaims(good, rules)).toBeUndefined()
    expect(judgeClaims({}, { now: 1 })).toBeUndefined()
  })

  test.each<[object, string]>([
    [{ exp: 1_000 }, 'invalid_token'],
    [{ nbf: 1_001 }, 'invalid_token'],
    [{ iss: 'https://other' }, 'invalid_token'],
    [{ aud: 'apis' }, 'invalid_token'],
    [{ aud: undefined }, 'invalid_token'],
    [{ acr: 'password' }, 'insufficient_user_authentication'],
    [{ scope: 'a' }, 'insufficient_scope'],
    [{ scope: undefined }, 'insufficient_scope'],
    [{ scope: 'ab' }, 'insufficient_scope'],
  ])('with %j: %s', (change, error) => {
    expect(judgeClaims({ ...good, ...change }, rules)).toMatchObject({ error })
  })
})
