import { readFileSync } from 'node:fs'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type JWK, type CryptoKey } from 'jose'
import { createApiServer, type ApiServer } from 'tokenward/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { generateSigningKey } from '../../../src/adapters/signing.ts'
import { hashOf, makeProof, thumbprintOf, toProver } from '../../../src/dpop/proof.ts'
import { digest } from '../../../src/testing/servers/digest.ts'
import { thumbprint, type PublicJwk } from '../../../src/testing/servers/jwt.ts'
import { createProofs } from '../../../src/testing/servers/proofs.ts'
import { demo, read, serversStage } from './stage.ts'

interface Vectors {
  readonly dpop: {
    readonly jkt: string
    readonly access_token: string
    readonly athMore: { readonly items: readonly { readonly access_token: string; readonly ath: string }[] }
    readonly proofs: readonly {
      readonly name: string
      readonly jwt: string
      readonly payload: { readonly iat: number }
    }[]
  }
  readonly jwkThumbprint: readonly { readonly jwk: PublicJwk; readonly thumbprint: string }[]
}
const vectors = JSON.parse(readFileSync(new URL('../../vectors.json', import.meta.url), 'utf8')) as Vectors

const stage = serversStage()
const { start, post, refreshed } = stage

interface Key {
  readonly jwk: JWK
  readonly privateKey: CryptoKey
  readonly alg: string
}

async function newKey(alg = 'ES256'): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { jwk: await exportJWK(publicKey), privateKey, alg }
}

interface ProofParts {
  readonly method?: string
  readonly header?: Record<string, unknown>
  readonly claims?: Record<string, unknown>
  readonly accessToken?: string
}

/** A proof by an implementation that is not the servers' own. */
function prove(
  key: Key,
  url: string,
  { method = 'POST', header, claims, accessToken }: ProofParts = {},
): Promise<string> {
  return new SignJWT({
    jti: crypto.randomUUID(),
    htm: method,
    htu: url,
    iat: Math.floor(stage.time / 1_000),
    ...(accessToken !== undefined && { ath: digest(accessToken) }),
    ...claims,
  })
    .setProtectedHeader({ alg: key.alg, typ: 'dpop+jwt', jwk: key.jwk, ...header })
    .sign(key.privateKey)
}

const urlOf = (path: string): string => stage.backend.auth.origin + path
const errorOf = async (response: Response): Promise<[number, unknown]> => [
  response.status,
  ((await response.json()) as { error?: unknown }).error,
]

async function signIn(key: Key): Promise<{ access_token: string; refresh_token: string; token_type: string }> {
  const response = await post('/json/login', demo, { DPoP: await prove(key, urlOf('/json/login')) })
  return (await read(response)) as Awaited<ReturnType<typeof signIn>>
}

async function call(
  key: Key,
  token: string,
  more: ProofParts & { scheme?: string; path?: string } = {},
): Promise<Response> {
  const url = stage.backend.api.origin + (more.path ?? '/me')
  const proof = await prove(key, url, { method: 'GET', accessToken: token, ...more })
  return fetch(url, { headers: { Authorization: `${more.scheme ?? 'DPoP'} ${token}`, DPoP: proof } })
}

describe('a server that binds tokens', () => {
  test.each(['ES256', 'ES384', 'Ed25519', 'EdDSA'])(
    'binds them to the key of the proof, of algorithm %s',
    async (alg) => {
      await start({ auth: { dpop: 'required' }, api: { dpop: 'required' } })
      const key = await newKey(alg)
      const tokens = await signIn(key)
      expect(tokens.token_type).toBe('DPoP')
      expect(stage.backend.auth.introspect(tokens.access_token)).toMatchObject({
        cnf: { jkt: await calculateJwkThumbprint(key.jwk) },
      })
      expect((await call(key, tokens.access_token)).status).toBe(200)
    },
  )

  test('a login and a refresh without a proof, or with that of another key, get no tokens and spend none', async () => {
    await start({ auth: { dpop: 'required' } })
    expect(await errorOf(await post('/json/login', demo))).toEqual([400, 'invalid_dpop_proof'])
    const key = await newKey()
    const { refresh_token } = await signIn(key)
    expect(await errorOf(await refreshed(refresh_token))).toEqual([400, 'invalid_dpop_proof'])
    const stolen = await post(
      '/json/refresh',
      { refresh_token },
      { DPoP: await prove(await newKey(), urlOf('/json/refresh')) },
    )
    expect(await errorOf(stolen)).toEqual([400, 'invalid_grant'])
    const next = await post('/json/refresh', { refresh_token }, { DPoP: await prove(key, urlOf('/json/refresh')) })
    expect(next.status).toBe(200)
    expect(stage.backend.auth.count('refresh', 'refused')).toBe(2)
  })

  test('where proofs are accepted, who sends none has bearer tokens, and a bound session stays bound', async () => {
    await start({ auth: { dpop: 'accepted' } })
    const bearer = (await (await post('/json/login', demo)).json()) as { token_type: string }
    expect(bearer.token_type).toBe('Bearer')
    const { refresh_token } = await signIn(await newKey())
    expect(await errorOf(await refreshed(refresh_token))).toEqual([400, 'invalid_dpop_proof'])
  })

  test('nonces: 400 with one, and then a proof with it is good', async () => {
    await start({ auth: { dpop: 'required', nonces: true } })
    const key = await newKey()
    const first = await post('/json/login', demo, { DPoP: await prove(key, urlOf('/json/login')) })
    expect(await errorOf(first)).toEqual([400, 'use_dpop_nonce'])
    const nonce = first.headers.get('DPoP-Nonce')
    const proof = await prove(key, urlOf('/json/login'), { claims: { nonce } })
    const second = await post('/json/login', demo, { DPoP: proof })
    expect(second.status).toBe(200)
    expect(second.headers.get('DPoP-Nonce')).not.toBe(nonce)
    stage.time += 300_000
    const late = await prove(key, urlOf('/json/login'), { claims: { nonce } })
    expect(await errorOf(await post('/json/login', demo, { DPoP: late }))).toEqual([400, 'use_dpop_nonce'])
  })
})

describe('an API that takes bound tokens', () => {
  const bound = async (): Promise<{ key: Key; token: string }> => {
    await start({ auth: { dpop: 'accepted' }, api: { dpop: 'accepted' } })
    const key = await newKey()
    return { key, token: (await signIn(key)).access_token }
  }
  const challengeOf = (response: Response): [number, string | null] => [
    response.status,
    response.headers.get('WWW-Authenticate'),
  ]

  test('no token: it names both schemes', async () => {
    await bound()
    const [status, challenge] = challengeOf(await stage.get('/me'))
    expect([status, challenge]).toEqual([401, 'Bearer, DPoP algs="ES256 ES384 Ed25519 EdDSA RS256"'])
  })

  test('a bound token is no bearer token, and a bearer token no bound one', async () => {
    const { key, token } = await bound()
    expect(challengeOf(await stage.get('/me', token))).toEqual([
      401,
      'DPoP error="invalid_token", algs="ES256 ES384 Ed25519 EdDSA RS256"',
    ])
    const { access_token } = await read(await post('/json/login', demo))
    expect((await call(key, access_token)).status).toBe(401)
    expect((await stage.get('/me', access_token)).status).toBe(200)
  })

  const wrong: [string, (url: string) => ProofParts][] = [
    ['another method', () => ({ claims: { htm: 'POST' } })],
    ['another URL', (url) => ({ claims: { htu: `${url}/other` } })],
    ['another origin', () => ({ claims: { htu: 'http://127.0.0.1/me' } })],
    ['no URL', () => ({ claims: { htu: 1 } })],
    ['another token', () => ({ accessToken: 'another' })],
    ['no ath', () => ({ claims: { ath: undefined } })],
    ['no jti', () => ({ claims: { jti: '' } })],
    ['an old proof', () => ({ claims: { iat: Math.floor(stage.time / 1_000) - 61 } })],
    ['a proof of the future', () => ({ claims: { iat: Math.floor(stage.time / 1_000) + 62 } })],
    ['another type', () => ({ header: { typ: 'jwt' } })],
    ['no key', () => ({ header: { jwk: undefined } })],
  ]
  test.each(wrong)('a proof with %s: 401 invalid_dpop_proof', async (_name, parts) => {
    const { key, token } = await bound()
    const response = await call(key, token, parts(`${stage.backend.api.origin}/me`))
    expect(challengeOf(response)).toEqual([
      401,
      'DPoP error="invalid_dpop_proof", algs="ES256 ES384 Ed25519 EdDSA RS256"',
    ])
  })

  test('a proof with a private key in it, with the signature of another key, and no proof at all', async () => {
    const { key, token } = await bound()
    const other = await newKey()
    const leaked = { ...key.jwk, d: 'x' }
    expect((await call(key, token, { header: { jwk: leaked } })).status).toBe(401)
    expect((await call({ ...key, privateKey: other.privateKey }, token)).status).toBe(401)
    const bare = await fetch(`${stage.backend.api.origin}/me`, { headers: { Authorization: `DPoP ${token}` } })
    expect(challengeOf(bare)[1]).toContain('invalid_dpop_proof')
  })

  test('the proof of another key: the token is bound', async () => {
    const { token } = await bound()
    expect(challengeOf(await call(await newKey(), token))[1]).toContain('error="invalid_token"')
  })

  test('a proof is good once', async () => {
    const { key, token } = await bound()
    const url = `${stage.backend.api.origin}/me`
    const headers = {
      Authorization: `DPoP ${token}`,
      DPoP: await prove(key, url, { method: 'GET', accessToken: token }),
    }
    expect((await fetch(url, { headers })).status).toBe(200)
    expect((await fetch(url, { headers })).status).toBe(401)
  })

  test('the query is no part of what is proven', async () => {
    const { key, token } = await bound()
    const response = await call(key, token, {
      path: '/echo?a=1#b',
      claims: { htu: `${stage.backend.api.origin}/echo` },
    })
    expect(response.status).toBe(200)
  })

  test('it asks for a nonce of its own, in its own challenge', async () => {
    const { key, token } = await bound()
    stage.backend.api.settings.nonces = true
    const first = await call(key, token)
    expect(challengeOf(first)[1]).toBe('DPoP error="use_dpop_nonce", algs="ES256 ES384 Ed25519 EdDSA RS256"')
    const nonce = first.headers.get('DPoP-Nonce')
    expect((await call(key, token, { claims: { nonce } })).status).toBe(200)
    expect((await call(key, token, { claims: { nonce: 'made-up' } })).status).toBe(401)
  })
})

describe('the proofs of the manager', () => {
  test.each(['ES256', 'Ed25519'] as const)('are taken by the servers, with %s', async (alg) => {
    await start({ auth: { dpop: 'required' }, api: { dpop: 'required' } })
    const { privateKey, jwk } = await generateSigningKey(alg)
    const prover = toProver(alg, privateKey, jwk)
    const iat = Math.floor(stage.time / 1_000)
    const login = await makeProof(prover, { htm: 'POST', htu: urlOf('/json/login'), iat })
    const { access_token } = await read(await post('/json/login', demo, { DPoP: login }))
    const url = `${stage.backend.api.origin}/me`
    const proof = await makeProof(prover, { htm: 'GET', htu: url, iat, ath: await hashOf(access_token) })
    const response = await fetch(url, { headers: { Authorization: `DPoP ${access_token}`, DPoP: proof } })
    expect(response.status).toBe(200)
    expect(stage.backend.auth.introspect(access_token)).toMatchObject({ cnf: { jkt: await thumbprintOf(jwk) } })
  })
})

describe('the proofs of RFC 9449', () => {
  const cases = [
    ['token-request-code', 'POST', 'https://server.example.com/token', undefined],
    ['token-request-refresh', 'POST', 'https://server.example.com/token', undefined],
    ['resource-request', 'GET', 'https://resource.example.org/protectedresource', vectors.dpop.access_token],
  ] as const
  test.each(cases)('%s is taken at its time, for its request, and for no other', async (name, method, url, token) => {
    const proof = vectors.dpop.proofs.find((one) => one.name === name)
    const at = (proof?.payload.iat ?? 0) * 1_000
    const judge = (
      now: number,
      change: { method?: string; url?: string; token?: string | undefined } = {},
    ): Promise<unknown> => {
      const call = {
        ...{ method: change.method ?? method, url: new URL(change.url ?? url) },
        ...{ headers: { dpop: proof?.jwt }, body: new Uint8Array() },
      }
      return createProofs({ nonces: false, nonceMs: 0 }, () => now).judge(
        call,
        'token' in change ? change.token : token,
      )
    }
    expect(await judge(at)).toEqual({ outcome: 'proven', jkt: vectors.dpop.jkt })
    for (const refused of [
      judge(at + 61_000),
      judge(at, { method: 'PUT' }),
      judge(at, { url: `${url}s` }),
      judge(at, { token: token === undefined ? 'a' : undefined }),
    ]) {
      expect(await refused).toMatchObject({ outcome: 'invalid_dpop_proof' })
    }
  })

  test('thumbprints and token hashes are as in the RFCs', () => {
    for (const { jwk, thumbprint: expected } of vectors.jwkThumbprint) {
      expect(thumbprint(jwk)).toBe(expected)
    }
    for (const { access_token, ath } of vectors.dpop.athMore.items) expect(digest(access_token)).toBe(ath)
    expect(thumbprint({ kty: 'oct' })).toBeUndefined()
    expect(thumbprint({ kty: 'EC', crv: 'P-256' })).toBeUndefined()
  })
})

describe('an API that believes published keys', () => {
  let api: ApiServer
  afterEach(() => api.close())

  test('it fetches them, and knows nothing of revocation', async () => {
    await start()
    const { auth } = stage.backend
    api = await createApiServer({
      auth: { origin: auth.origin, jwks: new URL('/jwks', auth.origin) },
      clock: { now: () => stage.time },
    })
    const { access_token } = await stage.signIn()
    const ask = (token: string): Promise<Response> =>
      fetch(`${api.origin}/me`, { headers: { Authorization: `Bearer ${token}` } })
    expect((await ask(access_token)).status).toBe(200)
    auth.revokeAccessTokens()
    expect((await ask(access_token)).status).toBe(200)
    expect((await ask('opaque')).status).toBe(401)
  })
})
