import { createTokenManager, tokenErrorOf, type TokenManager, type TokenSource } from 'tokenward'
import { createFetch } from 'tokenward/fetch'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { resourceMetadataUrl } from '../../src/oauth/resource-metadata.ts'
import { type AuthorizationServerDesk, createScene, startDesk } from './desk.ts'
import { vectorsOf } from './vectors.ts'

const { rfc9728 } = vectorsOf<{
  readonly rfc9728: readonly { readonly resource: string; readonly url: string }[]
}>('wellKnown')
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

let desk: AuthorizationServerDesk
beforeAll(async () => {
  desk = await startDesk()
})
afterAll(() => desk.close())
beforeEach(() => {
  desk.seen.length = 0
  desk.answers = {}
})

const paths = (): string[] => desk.seen.map(({ path }) => path)

describe('PR-1: where the metadata of a resource is', () => {
  test.each(rfc9728)('$resource: inserted', ({ resource, url }) => {
    expect(resourceMetadataUrl(resource)).toBe(url)
  })

  test.each(['urn:mail', 'http://resource.example.com', 'none'])('%s: nowhere', (resource) => {
    expect(resourceMetadataUrl(resource)).toBeUndefined()
  })
})

describe('the metadata of a resource that has refused a token', () => {
  const url = (): string => `${desk.url}/orders?a=1`
  const place = `${WELL_KNOWN}/orders?a=1`

  /** Whether it takes tokens of ours, where `path` holds `body` and the challenge names that place. */
  function serves(body: object, path = place, more: { readonly resource?: string } = {}): Promise<boolean | undefined> {
    desk.answers[path] = [{ body }]
    const { source, context } = createScene(desk.url, { resource: `${desk.url}/all` })
    return source.serves!({ url: url(), metadata: `${desk.url}${path}`, ...more }, context)
  }

  test('says whether our issuer is one of those whose tokens it takes; what else it says is ignored', async () => {
    const authorization_servers = ['https://other.example.com', desk.url]
    expect(await serves({ resource: url(), authorization_servers, unknown: 1 })).toBe(true)
    expect(await serves({ resource: url(), authorization_servers: ['https://other.example.com'] })).toBe(false)
    expect(desk.seen.map(({ method, headers }) => [method, headers.cookie, headers.authorization])).toEqual(
      Array(2).fill(['GET', undefined, undefined]),
    )
  })

  test.each([{}, { authorization_servers: [] }, { authorization_servers: 'x' }])(
    'may say nothing: %j',
    async (body) => {
      expect(await serves({ resource: url(), ...body })).toBeUndefined()
    },
  )

  test('PR-2: counts only if it is about the very URL that was requested', async () => {
    for (const resource of [desk.url, `${desk.url}/orders`, `${url()}#`, undefined]) {
      expect(await serves({ resource, authorization_servers: ['https://other.example.com'] })).toBeUndefined()
    }
  })

  test.each(['/all', '/narrow'])('PR-2: or about the resource that tokens are asked for: %s', async (path) => {
    const body = { resource: `${desk.url}${path}`, authorization_servers: ['https://other.example.com'] }
    expect(await serves(body, `${WELL_KNOWN}${path}`, { resource: `${desk.url}/narrow` })).toBe(false)
  })

  test.each(['/anywhere', `${WELL_KNOWN}/orders`])('is not fetched from where it cannot be: %s', async (path) => {
    expect(await serves({ resource: url(), authorization_servers: [] }, path)).toBeUndefined()
    expect(paths()).toEqual([])
  })

  test('PR-3: is fetched anew for each challenge', async () => {
    expect(await serves({ resource: url(), authorization_servers: ['https://other.example.com'] })).toBe(false)
    expect(await serves({ resource: url(), authorization_servers: [desk.url] })).toBe(true)
  })

  test('an error is no metadata', async () => {
    const { source, context } = createScene(desk.url)
    const body = { resource: url(), authorization_servers: ['https://other.example.com'] }
    desk.answers[place] = [{ status: 404, body }]
    expect(await source.serves!({ url: url(), metadata: `${desk.url}${place}` }, context)).toBeUndefined()
  })
})

describe('PR-4: an API that says it takes only tokens of issuers that are none of ours', () => {
  let tokens: TokenManager
  const alerts: object[] = []
  afterEach(() => tokens.dispose())

  const challenge = (error: string): string =>
    `Bearer error="${error}", acr_values="high", resource_metadata="${desk.url}${WELL_KNOWN}/api"`

  async function open(
    error: string,
    { serves, status = 401 }: { readonly serves?: TokenSource['serves']; readonly status?: number } = {},
  ): Promise<(init?: RequestInit) => Promise<Response>> {
    const headers = { 'WWW-Authenticate': challenge(error) }
    desk.answers['/api'] = [{ status, headers }]
    const authorization_servers = ['https://other.example.com']
    desk.answers[`${WELL_KNOWN}/api`] = [{ body: { resource: `${desk.url}/api`, authorization_servers } }]
    const { source } = createScene(desk.url)
    alerts.length = 0
    tokens = createTokenManager({
      source: { ...source, ...(serves && { serves }) },
      resources: [desk.url],
      timing: { requestTimeoutMs: 100 },
    })
    tokens.on('alert', (alert) => alerts.push(alert))
    await tokens.startSession({ access_token: 'the-token', token_type: 'Bearer' })
    return (init) => createFetch(tokens)(`${desk.url}/api#x`, init)
  }

  const codeOf = (reply: Promise<Response>): Promise<string | undefined> =>
    reply.then(
      ({ status }) => String(status),
      (error: unknown) => tokenErrorOf(error)?.code,
    )

  test.each([
    ['insufficient_user_authentication', 401],
    ['insufficient_scope', 403],
  ])('%s: no login here would help, and nobody else is asked', async (error, status) => {
    const send = await open(error, { status })
    expect([await codeOf(send()), await codeOf(send())]).toEqual(['configuration', 'configuration'])
    expect(alerts).toEqual([{ rule: 'other-issuer', origin: desk.url }])
    expect(new Set(paths())).toEqual(new Set(['/api', `${WELL_KNOWN}/api`]))
  })

  test('promise 5: the answer goes to the caller when its metadata takes longer than the request may', async () => {
    await open('invalid_token', { serves: () => new Promise(() => {}) })
    const target = { url: `${desk.url}/api`, waitMs: 30 }
    const headers = new Headers({ 'WWW-Authenticate': challenge('invalid_token') })
    const reply = tokens.send(target, {
      repeatable: true,
      send: () => Promise.resolve(401),
      answer: (status) => ({ status, header: (name) => headers.get(name) }),
    })
    expect(await reply).toBe(401)
  })

  test('a refused token: the answer goes to the caller, and an alert says why', async () => {
    const send = await open('invalid_token')
    expect(await codeOf(send())).toBe('401')
    expect(alerts).toEqual([{ rule: 'other-issuer', origin: desk.url }])
  })

  test.each<[string, TokenSource['serves']]>([
    ['says that it takes ours', async () => true],
    ['says nothing', async () => undefined],
    ['cannot be asked', () => Promise.reject(new Error('offline'))],
    ['does not answer', () => new Promise(() => {})],
  ])('not where it %s', async (_, serves) => {
    const send = await open('insufficient_user_authentication', { serves })
    expect(await codeOf(send())).toBe('insufficient_authentication')
    expect(alerts).toEqual([])
  })

  test('promise 10: who gives up does not wait for what it says', async () => {
    const controller = new AbortController()
    const send = await open('insufficient_user_authentication', {
      serves: () => {
        controller.abort()
        return new Promise(() => {})
      },
    })
    await expect(send({ signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
  })
})
