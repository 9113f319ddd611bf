import { decodeJwt } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import { dpop } from 'tokenward/dpop'
import { skewOf } from '../../src/lib/skew.ts'
import { tokenErrorOf } from '../../src/errors.ts'
import type { Binding } from '../../src/ports.ts'
import { createDevice, headersOf, settle, verified } from './binding-stage.ts'
import { vectors } from './vectors.ts'

const url = 'https://api.example.com/orders'

const nonceOf = (proof: string): unknown => decodeJwt(proof)['nonce']

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => tokenErrorOf(error)?.code,
  )
}

/** Sends one attempt, and lets the server answer it. */
async function attempt(binding: Binding, key: string, headers: Record<string, string>, to = url): Promise<string> {
  const proof = await binding.prove({ key, method: 'GET', url: to })
  binding.learn(proof, headersOf(headers))
  return proof
}

describe('the key', () => {
  test('D-13: can never be read by a script', async () => {
    const device = createDevice()
    const key = await device.open().create()
    const { privateKey } = device.keys.kept.get(key) as { privateKey: CryptoKey }
    expect(privateKey.extractable).toBe(false)
    await expect(crypto.subtle.exportKey('jwk', privateKey)).rejects.toThrow('not extractable')
  })

  test('F141, D-6: another tab, and the page after a reload, prove with the same one', async () => {
    const device = createDevice()
    const key = await device.open().create()
    const { jkt } = await verified(await device.open().prove({ key, method: 'GET', url }))
    expect(jkt).toBe(key)
  })

  test('each sign-in has one of its own', async () => {
    const binding = createDevice().open()
    expect(await binding.create()).not.toBe(await binding.create())
  })

  test('F140: one that is gone is key_lost, in a tab that has never had it and after it was forgotten', async () => {
    const device = createDevice()
    const binding = device.open()
    const key = await binding.create()
    await binding.forget(key)
    expect(device.keys.kept.size).toBe(0)
    expect(await codeOf(binding.prove({ key, method: 'GET', url }))).toBe('key_lost')
    expect(await codeOf(device.open().prove({ key, method: 'GET', url }))).toBe('key_lost')
  })

  test('a store that throws or hangs loses no key: it is tried again', async () => {
    const device = createDevice()
    const key = await device.open().create()
    const binding = device.open()
    device.keys.fault = 'throws'
    expect(await codeOf(binding.prove({ key, method: 'GET', url }))).toBe('refresh_unavailable')
    device.keys.fault = 'hangs'
    const waiting = codeOf(binding.prove({ key, method: 'GET', url }))
    await device.pass(1_000)
    expect(await waiting).toBe('refresh_unavailable')
    device.keys.fault = 'none'
    expect(await codeOf(binding.prove({ key, method: 'GET', url }))).toBeUndefined()
  })

  test('is found by a page that was frozen while the store was asked', async () => {
    const device = createDevice()
    const key = await device.open().create()
    const kept = device.keys.kept.get(key)
    let answer = (_kept: unknown): void => {}
    vi.spyOn(device.keys, 'read').mockReturnValue(new Promise((resolve) => (answer = resolve)))
    const proving = device.open().prove({ key, method: 'GET', url })
    await device.pass(60_000)
    answer(kept)
    expect((await verified(await proving)).jkt).toBe(key)
  })

  test.each(['throws', 'hangs', 'empties'] as const)(
    'D-15: where the store %s, it serves the page that has made it, which is told',
    async (fault) => {
      const device = createDevice()
      device.keys.fault = fault
      const binding = device.open()
      const creating = binding.create()
      for (let step = 0; step < 3; step++) await device.pass(1_000)
      const key = await creating
      expect(device.warnings).toEqual([expect.stringContaining('cannot be stored')])
      expect(await codeOf(binding.prove({ key, method: 'GET', url }))).toBeUndefined()
      device.keys.fault = 'none'
      expect(await codeOf(device.open().prove({ key, method: 'GET', url }))).toBe('key_lost')
    },
  )

  test('one that no page has used for longer than any session lives is removed; one that was used is not', async () => {
    const device = createDevice()
    const day = 86_400_000
    const [abandoned, used] = [await device.open().create(), await device.open().create()]
    await device.pass(300 * day)
    await device.open().prove({ key: used, method: 'GET', url })
    await device.pass(101 * day)
    const next = await device.open().create()
    await settle()
    expect([...device.keys.kept.keys()].sort()).toEqual([used, next].sort())
    expect(device.keys.kept.has(abandoned)).toBe(false)
  })

  test('F131: without WebCrypto it says so', async () => {
    vi.stubGlobal('crypto', {})
    try {
      expect(await codeOf(dpop().create())).toBe('unsupported')
    } finally {
      vi.unstubAllGlobals()
    }
  })

  test('W-22: where there is no Ed25519, it is ES256', async () => {
    const generate = crypto.subtle.generateKey.bind(crypto.subtle)
    vi.spyOn(crypto.subtle, 'generateKey').mockImplementation((async (
      algorithm: { name: string },
      ...rest: never[]
    ) => {
      if (algorithm.name === 'Ed25519') throw new DOMException('no', 'NotSupportedError')
      return generate(algorithm, ...(rest as [never, never]))
    }) as never)
    try {
      const binding = createDevice().open({ alg: 'Ed25519' })
      const { header } = await verified(await binding.prove({ key: await binding.create(), method: 'GET', url }))
      expect(header['alg']).toBe('ES256')
    } finally {
      vi.restoreAllMocks()
    }
  })
})

test.each([
  [['ES256', 'RS256'], 'ES256'],
  [['EdDSA'], 'ES256'],
  [['ES256', 'Ed25519'], 'Ed25519'],
  [undefined, 'Ed25519'],
])('D-1: of a server that takes %j a key is made for %s', async (taken, alg) => {
  const binding = createDevice().open({ alg: 'Ed25519' })
  const proof = await binding.prove({ key: await binding.create(taken), method: 'GET', url })
  expect((await verified(proof)).header['alg']).toBe(alg)
})

describe('options', () => {
  test('no Bearer token is taken unless it is asked for', () => {
    expect(dpop().allowBearer).toBe(false)
    expect(dpop({ allowBearer: true }).allowBearer).toBe(true)
  })

  test.each([{ alg: 'RS256' }, { alg: 'none' }, { allowBearer: 1 }])('a wrong one names the cure: %o', (options) => {
    expect(() => dpop(options as never)).toThrow(TypeError)
  })
})

describe('nonces', () => {
  test('D-9, F135: the last one of any answer goes into the next proof, whatever the status', async () => {
    const binding = createDevice().open()
    const key = await binding.create()
    expect(nonceOf(await attempt(binding, key, { 'dpop-nonce': 'n1' }))).toBeUndefined()
    expect(nonceOf(await attempt(binding, key, {}))).toBe('n1')
    expect(nonceOf(await attempt(binding, key, { 'dpop-nonce': 'n2' }))).toBe('n1')
    expect(nonceOf(await attempt(binding, key, {}))).toBe('n2')
  })

  test('D-9: those of two servers stay apart', async () => {
    const binding = createDevice().open()
    const key = await binding.create()
    await attempt(binding, key, { 'dpop-nonce': 'n-as' }, 'https://as.example/token')
    await attempt(binding, key, { 'dpop-nonce': 'n-rs' }, 'https://rs.example/a')
    expect(nonceOf(await attempt(binding, key, {}, 'https://as.example/revoke'))).toBe('n-as')
    expect(nonceOf(await attempt(binding, key, {}, 'https://rs.example/b'))).toBe('n-rs')
    expect(nonceOf(await attempt(binding, key, {}, 'https://other.example/'))).toBeUndefined()
  })

  test('D-9: those of an authorization server and an API of one origin too', async () => {
    const binding = createDevice().open()
    const key = await binding.create()
    await attempt(binding, key, { 'dpop-nonce': 'n-as' })
    expect(nonceOf(await binding.prove({ key, method: 'GET', url, accessToken: 'a' }))).toBeUndefined()
    expect(nonceOf(await binding.prove({ key, method: 'GET', url }))).toBe('n-as')
  })

  test('D-10: an answer that was long under way does not bring back an older one', async () => {
    const device = createDevice()
    const binding = device.open()
    const key = await binding.create()
    const slow = await binding.prove({ key, method: 'GET', url })
    await device.pass(600)
    await attempt(binding, key, { 'dpop-nonce': 'newer' })
    binding.learn(slow, headersOf({ 'dpop-nonce': 'older' }))
    expect(nonceOf(await attempt(binding, key, {}))).toBe('newer')
  })

  test('D-10: of attempts that a busy device has begun together the last answer has the newest', async () => {
    const device = createDevice()
    const binding = device.open()
    const key = await binding.create()
    const first = await binding.prove({ key, method: 'GET', url })
    await device.pass(400)
    await attempt(binding, key, { 'dpop-nonce': 'older' })
    binding.learn(first, headersOf({ 'dpop-nonce': 'newer' }))
    expect(nonceOf(await attempt(binding, key, {}))).toBe('newer')
  })

  test.each(vectors.dpop.nonceSyntax.valid)('D-11: %j is one', async (nonce) => {
    const binding = createDevice().open()
    const key = await binding.create()
    await attempt(binding, key, { 'dpop-nonce': nonce })
    expect(nonceOf(await attempt(binding, key, {}))).toBe(nonce)
  })

  test.each(vectors.dpop.nonceSyntax.invalid)('D-11: %j is none', async (nonce) => {
    const binding = createDevice().open()
    const key = await binding.create()
    const proof = await binding.prove({ key, method: 'GET', url })
    expect(binding.learn(proof, headersOf({ 'dpop-nonce': nonce }))).toBe(false)
    expect(nonceOf(await attempt(binding, key, {}))).toBeUndefined()
  })

  test('F136: only a nonce that the proof did not have is worth a retry, and of each answer once', async () => {
    const binding = createDevice().open()
    const key = await binding.create()
    const first = await binding.prove({ key, method: 'GET', url })
    expect(binding.learn(first, headersOf({ 'dpop-nonce': 'n1' }))).toBe(true)
    expect(binding.learn(first, headersOf({ 'dpop-nonce': 'n3' }))).toBe(false)
    const second = await binding.prove({ key, method: 'GET', url })
    expect(nonceOf(second)).toBe('n1')
    expect(binding.learn(second, headersOf({ 'dpop-nonce': 'n1' }))).toBe(false)
    expect(binding.learn(await binding.prove({ key, method: 'GET', url }), headersOf({}))).toBe(false)
    expect(binding.learn('foreign', headersOf({ 'dpop-nonce': 'n9' }))).toBe(false)
  })

  test('F137: a nonce that cannot be read is reported with the cure', async () => {
    const device = createDevice()
    const binding = device.open()
    await attempt(binding, await binding.create(), { 'www-authenticate': 'DPoP error="use_dpop_nonce"' })
    expect(device.warnings).toEqual([expect.stringContaining('Access-Control-Expose-Headers must list DPoP-Nonce')])
  })

  test('servers that are not used for long are forgotten: the memory is bounded', async () => {
    const binding = createDevice().open()
    const key = await binding.create()
    await attempt(binding, key, { 'dpop-nonce': 'n1' }, 'https://first.example/')
    for (let server = 0; server < 100; server++) await attempt(binding, key, {}, `https://s${server}.example/`)
    expect(nonceOf(await attempt(binding, key, {}, 'https://first.example/'))).toBeUndefined()
  })
})

describe('a server that may take each nonce only once', () => {
  const challenge = (nonce: string) =>
    headersOf({ 'dpop-nonce': nonce, 'www-authenticate': 'DPoP error="use_dpop_nonce"' })

  /** Two requests at once, both challenged; what both retries are made of. */
  async function challenged(binding: Binding, key: string): Promise<[Promise<string>, Promise<string>]> {
    const both = await Promise.all([1, 2].map(() => binding.prove({ key, method: 'GET', url })))
    both.forEach((proof, index) => binding.learn(proof, challenge(`n${index}`)))
    return [binding.prove({ key, method: 'GET', url }), binding.prove({ key, method: 'GET', url })]
  }

  test('gets the retries one by one, each with the nonce of the answer before', async () => {
    const binding = createDevice().open()
    const key = await binding.create()
    const [first, second] = await challenged(binding, key)
    let isThere = false
    void second.then(() => (isThere = true))
    expect(nonceOf(await first)).toBe('n1')
    await settle()
    expect(isThere).toBe(false)
    binding.learn(await first, headersOf({ 'dpop-nonce': 'n2' }))
    expect(nonceOf(await second)).toBe('n2')
  })

  test('is not waited for longer than a while', async () => {
    const device = createDevice()
    const binding = device.open()
    const [first, second] = await challenged(binding, await binding.create())
    await first
    await device.pass(1_000)
    expect(nonceOf(await second)).toBe('n1')
  })

  test('keeps nobody waiting for longer than eight seconds, however many stand before', async () => {
    const device = createDevice()
    const binding = device.open()
    const key = await binding.create()
    await attempt(binding, key, { 'dpop-nonce': 'n1', 'www-authenticate': 'DPoP error="use_dpop_nonce"' })
    let made = 0
    for (let request = 0; request < 20; request++) void binding.prove({ key, method: 'GET', url }).then(() => made++)
    // No answer comes: each keeps the next one waiting for a second.
    for (let second = 0; second < 7; second++) await device.pass(1_000)
    expect(made).toBe(8)
    await device.pass(1_000)
    await settle()
    expect(made).toBe(20)
  })

  test('turns out to be none when a nonce was good for two: then nobody waits', async () => {
    const binding = createDevice().open()
    const key = await binding.create()
    await attempt(binding, key, { 'dpop-nonce': 'n0' })
    await attempt(binding, key, {})
    await attempt(binding, key, {})
    const [first, second] = await challenged(binding, key)
    expect([nonceOf(await first), nonceOf(await second)]).toEqual(['n1', 'n1'])
  })
})

describe('the clock', () => {
  test.each(vectors.dateSkew.cases)(
    'is compared as the vectors say: $name',
    ({ sentMs, receivedMs, date, age, expected }) => {
      expect(skewOf({ sentMs, receivedMs, date, age: age === undefined ? null : String(age) })).toEqual(
        expected ?? undefined,
      )
    },
  )

  test.each([-600_000, 600_000])(
    'F138, D-12: a device that is off by %d ms proves by the time of the server',
    async (offMs) => {
      const device = createDevice()
      const server = device.wall
      device.wall += offMs
      const binding = device.open()
      const key = await binding.create()
      await attempt(binding, key, { date: new Date(server).toUTCString() })
      const { iat } = decodeJwt(await attempt(binding, key, {}))
      expect(Math.abs((iat ?? 0) - server / 1_000)).toBeLessThanOrEqual(1)
    },
  )

  test('a server that hides its date is taken to have the time of the last one that told', async () => {
    const device = createDevice()
    const server = device.wall
    device.wall += 600_000
    const binding = device.open()
    const key = await binding.create()
    await attempt(binding, key, { date: new Date(server).toUTCString() }, 'https://as.example/token')
    const { iat } = decodeJwt(await attempt(binding, key, {}, url))
    expect(Math.abs((iat ?? 0) - server / 1_000)).toBeLessThanOrEqual(1)
  })
})
