import { createHash } from 'node:crypto'
import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { hashOf, thumbprintOf } from '../../src/dpop/proof.ts'
import { createDevice, verified } from './binding-stage.ts'
import { vectors } from './vectors.ts'

const { dpop, htu, jwkThumbprint } = vectors

describe('a proof', () => {
  test('D-1: is a dpop+jwt with an asymmetric algorithm and a public key, and its signature is good', async () => {
    const binding = createDevice().open()
    const key = await binding.create()
    const proof = await binding.prove({ key, method: 'GET', url: 'https://api.example.com/' })
    const { header, jkt } = await verified(proof)
    expect(header).toMatchObject({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: 'EC', crv: 'P-256' } })
    expect(Object.keys(header.jwk).sort()).toEqual(['crv', 'kty', 'x', 'y'])
    expect(jkt).toBe(key)
  })

  test('D-1: Ed25519 is used where it is asked for and there is one', async () => {
    const binding = createDevice().open({ alg: 'Ed25519' })
    const key = await binding.create()
    const { header, jkt } = await verified(await binding.prove({ key, method: 'GET', url: 'https://a.example/' }))
    expect(header).toMatchObject({ alg: 'Ed25519', jwk: { kty: 'OKP', crv: 'Ed25519' } })
    expect(Object.keys(header.jwk).sort()).toEqual(['crv', 'kty', 'x'])
    expect(jkt).toBe(key)
  })

  test('D-2: says the method, the URL and the time, and nothing of a token or nonce that there is not', async () => {
    const device = createDevice(1_562_262_616_999)
    const binding = device.open()
    const key = await binding.create()
    const { claims } = await verified(
      await binding.prove({ key, method: 'POST', url: 'https://server.example.com/token' }),
    )
    const { jti, ...rest } = claims
    expect(rest).toEqual({ htm: 'POST', htu: 'https://server.example.com/token', iat: 1_562_262_616 })
    expect(jti).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  })

  test('F134, D-4: every attempt has a proof of its own', async () => {
    const binding = createDevice().open()
    const attempt = { key: await binding.create(), method: 'GET', url: 'https://a.example/', accessToken: 'a' }
    const proofs = await Promise.all(Array.from({ length: 50 }, () => binding.prove(attempt)))
    expect(new Set(proofs.map((proof) => decodeJwt(proof).jti)).size).toBe(50)
  })

  test.each([...dpop.athMore.items, { access_token: dpop.access_token, ath: dpop.ath }])(
    'F142: hashes the token that it goes with: $access_token',
    async ({ access_token: accessToken, ath }) => {
      const binding = createDevice().open()
      const key = await binding.create()
      // Another one in between: the hash that is remembered must not be taken for it.
      await binding.prove({ key, method: 'GET', url: 'https://a.example/', accessToken: 'another' })
      const proof = await binding.prove({ key, method: 'GET', url: 'https://a.example/', accessToken })
      expect(decodeJwt(proof)['ath']).toBe(ath)
    },
  )

  test.each(htu.cases)(
    'F139: names the URL that is sent without query and fragment: $name',
    async ({ input, base, expected }) => {
      const binding = createDevice().open()
      const url = new URL(input, base).href
      const proof = await binding.prove({ key: await binding.create(), method: 'GET', url })
      expect(decodeJwt(proof)['htu']).toBe(expected)
    },
  )

  test.each(dpop.proofs)('the RFC itself: the parts of $name are those that ours has', async ({ header, payload }) => {
    const binding = createDevice(payload.iat * 1_000).open()
    const ours = await verified(
      await binding.prove({
        key: await binding.create(),
        method: payload.htm,
        url: payload.htu,
        ...(payload.ath !== undefined && { accessToken: dpop.access_token }),
      }),
    )
    expect(Object.keys(ours.header).sort()).toEqual(Object.keys(header).sort())
    expect({ ...ours.claims, jti: payload.jti }).toEqual(payload)
  })
})

describe('a thumbprint', () => {
  // Keys for RSA have other members, and are never ours.
  test.each(jwkThumbprint.filter(({ jwk }) => jwk.kty !== 'RSA'))('is that of RFC 7638: $source', async (vector) => {
    expect(await thumbprintOf(vector.jwk)).toBe(vector.thumbprint)
  })

  test('leaves out what a curve does not have', async () => {
    const hash = createHash('sha256').update('{"crv":"Ed25519","kty":"OKP","x":"a"}').digest('base64url')
    expect(await thumbprintOf({ x: 'a', kty: 'OKP', crv: 'Ed25519' })).toBe(hash)
    expect(await hashOf('{"crv":"Ed25519","kty":"OKP","x":"a"}')).toBe(hash)
  })
})
