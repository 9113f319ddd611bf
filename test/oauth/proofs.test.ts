import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createDevice, type Device, type Proven, verified } from '../dpop/binding-stage.ts'
import {
  type Answered,
  type AuthorizationServerDesk,
  begin,
  CALLBACK,
  createPage,
  createScene,
  failureOf,
  NOW,
  startDesk,
} from './desk.ts'
import { vectorsOf } from './vectors.ts'

interface NonceFlow {
  readonly name: string
  readonly response: Answered
  readonly then: { readonly proofPayloadMustContain?: { readonly nonce: string }; readonly nextProofNonce?: string }
}
const { nonceFlows } = vectorsOf<{ readonly nonceFlows: readonly NonceFlow[] }>('dpop')
const flow = (name: string): NonceFlow => nonceFlows.find((one) => one.name === name)!

let desk: AuthorizationServerDesk
let device: Device
beforeAll(async () => {
  desk = await startDesk()
})
afterAll(() => desk.close())
beforeEach(() => {
  desk.seen.length = 0
  desk.answers = {}
  device = createDevice(NOW)
})

const TOKENS = { access_token: 'a', token_type: 'DPoP', refresh_token: 'r' }
const open = (): ReturnType<typeof createScene> => createScene(desk.url, { dpop: device.open() })

/** What the calls to `path` have proved. */
function proofs(path = '/token'): Promise<Proven[]> {
  const seen = desk.seen.filter((call) => call.path === path)
  return Promise.all(seen.map(({ headers }) => verified(String(headers['dpop']))))
}

/** One refresh with a key of its own. */
async function refresh(scene = open()): Promise<unknown> {
  const key = await scene.source.binding!.create()
  return scene.source.refresh({ refreshToken: 'r', key }, scene.context)
}

describe('D-8: an authorization server that wants a nonce', () => {
  test('as-nonce-challenge: gets the same call once more, with it in a new proof', async () => {
    const { response, then } = flow('as-nonce-challenge')
    desk.answers = { '/token': [response, { body: TOKENS }] }
    await refresh()
    const [first, second, ...more] = await proofs()
    expect(more).toEqual([])
    expect(first!.claims['nonce']).toBeUndefined()
    expect(second!.claims).toMatchObject(then.proofPayloadMustContain!)
    expect(second!.claims['jti']).not.toBe(first!.claims['jti'])
    expect(second!.jkt).toBe(first!.jkt)
    expect(new Set(desk.seen.map(({ text }) => text)).size).toBe(1)
  })

  test('as-next-nonce-on-200: gets it in the next call', async () => {
    const { response, then } = flow('as-next-nonce-on-200')
    desk.answers = { '/token': [{ ...response, body: TOKENS }, { body: TOKENS }] }
    const scene = open()
    await refresh(scene)
    await refresh(scene)
    expect((await proofs()).map(({ claims }) => claims['nonce'])).toEqual([undefined, then.nextProofNonce])
  })

  test.each([
    ['another one by then is asked again later', ['one', 'two', 'three'], 'refresh_unavailable', true],
    ['the one that it was sent is never content', ['one', 'one', 'one'], 'configuration', false],
  ])('nonce-loop-guard: that wants %s, and no more than twice', async (_, nonces, code, transient) => {
    const { response } = flow('as-nonce-challenge')
    desk.answers = { '/token': nonces.map((nonce) => ({ ...response, headers: { 'DPoP-Nonce': nonce } })) }
    expect(await failureOf(refresh())).toMatchObject({ code, transient })
    expect(desk.seen).toHaveLength(2)
  })
})

test('D-12: a proof that is refused for its time is made once more by the clock of the server', async () => {
  const date = new Date(NOW + 600_000).toUTCString()
  const refusal = { status: 400, body: { error: 'invalid_dpop_proof' }, headers: { Date: date } }
  desk.answers = { '/token': [refusal, { body: TOKENS }] }
  await refresh()
  const [first, second] = (await proofs()).map(({ claims }) => Number(claims['iat']))
  expect(first).toBe(NOW / 1_000)
  expect(Math.abs(second! - (NOW / 1_000 + 600))).toBeLessThanOrEqual(1)
})

test('D-6, D-16: pushed, exchanged, refreshed and given back with one key, which the request names', async () => {
  desk.answers = {
    '/par': [{ status: 201, body: { request_uri: 'urn:1' } }],
    '/token': [{ body: TOKENS }],
    '/revoke': [{}],
  }
  const scene = createScene(desk.url, { dpop: device.open(), pushed: true })
  await begin(scene)
  const pushed = desk.seen[0]!.form
  const answer = new URLSearchParams({ code: 'c', state: pushed.get('state')!, iss: desk.url })
  const { cnf } = await scene.source.login({ callbackUrl: `${CALLBACK}?${answer}` }, scene.context)
  const key = cnf!.jkt
  await scene.source.refresh({ refreshToken: 'r', key }, scene.context)
  await scene.source.revoke({ refreshToken: 'r', accessTokens: ['a'], key }, scene.context)
  expect(pushed.get('dpop_jkt')).toBe(key)
  const proved = await Promise.all(['/par', '/token', '/revoke'].map(proofs))
  expect(proved.map(({ length }) => length)).toEqual([1, 2, 2])
  expect(proved.flat().map(({ jkt }) => jkt)).toEqual(Array(5).fill(key))
  // It is of calls that carry no access token.
  expect(proved.flat().filter(({ claims }) => 'ath' in claims)).toEqual([])
})

test('D-1: a key is of an algorithm that the metadata of the server names', async () => {
  const server = { issuer: desk.url, dpop_signing_alg_values_supported: ['ES256', 'PS256'] }
  const scene = createScene(desk.url, { dpop: device.open({ alg: 'Ed25519' }), pushed: true, server })
  desk.answers = { '/par': [{ status: 201, body: { request_uri: 'urn:1' } }] }
  await begin(scene)
  expect((await proofs('/par')).map(({ header }) => header['alg'])).toEqual(['ES256'])
})

test.each(['empties', 'throws'] as const)(
  'D-15: where the store %s, no login leaves the page whose key would be lost: a popup still can',
  async (fault) => {
    const popup = { url: () => undefined, isClosed: () => false, go() {}, close() {} }
    const page = Object.assign(createPage(CALLBACK), { open: () => popup })
    const { source, context } = createScene(desk.url, { dpop: device.open() }, page)
    device.keys.fault = fault
    expect((await failureOf(source.authorize({}, context))).code).toBe('unsupported')
    expect(page.left).toEqual([])
    await source.authorize({ display: 'popup' }, context)
    expect(device.warnings).toEqual([expect.stringContaining('cannot be stored')])
  },
)

test.each([
  ['is not bound to the key', { ...TOKENS, token_type: 'Bearer' }],
  ['fits no header', { ...TOKENS, access_token: 'a b' }],
])('D-7: a token that %s is given back at once, and what came with it', async (_what, body) => {
  desk.answers = { '/token': [{ body }], '/revoke': [{}] }
  const scene = open()
  const request = await begin(scene)
  const answer = new URLSearchParams({ code: 'c', state: request.get('state')!, iss: desk.url })
  const failure = await failureOf(scene.source.login({ callbackUrl: `${CALLBACK}?${answer}` }, scene.context))
  expect(failure.code).toBe('malformed_response')
  const revoked = desk.seen.filter(({ path }) => path === '/revoke').map(({ form }) => form.get('token'))
  expect(revoked).toEqual(['r', body.access_token])
  const [exchanged, ...others] = [...(await proofs()), ...(await proofs('/revoke'))]
  expect(others.map(({ jkt }) => jkt)).toEqual([exchanged!.jkt, exchanged!.jkt])
  await vi.waitFor(() => expect([...device.keys.kept.keys()]).not.toContain(exchanged!.jkt))
})

test('a login that comes to nothing leaves no key behind', async () => {
  desk.answers = { '/token': [{ status: 400, body: { error: 'invalid_grant' } }] }
  const scene = open()
  const request = await begin(scene)
  const answer = new URLSearchParams({ code: 'c', state: request.get('state')!, iss: desk.url })
  await failureOf(scene.source.login({ callbackUrl: `${CALLBACK}?${answer}` }, scene.context))
  const [{ jkt }] = (await proofs()) as [Proven]
  await expect(device.open().prove({ key: jkt, method: 'POST', url: desk.url })).rejects.toMatchObject({
    code: 'key_lost',
  })
})
