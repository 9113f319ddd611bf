import { afterEach, describe, expect, test } from 'vitest'
import type { RemoteLab } from './lab.ts'
import { clients, openStage, type Client } from './stage.ts'

afterEach(() => document.querySelectorAll('base').forEach((base) => base.remove()))

function setBase(href: string): void {
  const base = document.createElement('base')
  base.href = href
  document.head.append(base)
}

/** Whatever the outcome: what counts is what the servers have seen. */
async function attempt(call: Client, url: string): Promise<void> {
  await call(url).catch(() => {})
}

async function expectNoToken(lab: RemoteLab): Promise<void> {
  const received = JSON.stringify(await lab.received('foreign'))
  expect(received).not.toMatch(/bearer/i)
  for (const token of await lab.issuedTokens()) expect(received.includes(token)).toBe(false)
}

/** No token, and no Authorization of any other kind, nor the wish to send one. */
async function expectNoCredential(lab: RemoteLab, atLeast = 1): Promise<void> {
  const received = await lab.received('foreign')
  expect(received.length).toBeGreaterThanOrEqual(atLeast)
  for (const { headers } of received) {
    expect(headers.authorization).toBeUndefined()
    expect(headers['access-control-request-headers'] ?? '').not.toContain('authorization')
  }
  await expectNoToken(lab)
}

describe.each(clients)('%s', (name) => {
  test.each([
    ['F103, F105: an absolute URL of another origin', ({ foreign }: RemoteLab) => `${foreign}/x`],
    ['F105: a protocol-relative URL', ({ foreign }: RemoteLab) => `${foreign.slice('http:'.length)}/x`],
    ['F104: an upper-case URL', ({ foreign }: RemoteLab) => `${foreign.toUpperCase()}/x`],
    ['F104: a URL with a newline in it', ({ foreign }: RemoteLab) => `${foreign.replace('//', '/\n/')}/x`],
    ['F104: a URL with a query that looks like the API', ({ foreign, api }: RemoteLab) => `${foreign}/x?${api}/me`],
  ])('%s never gets the token', async (_what, urlOf) => {
    const { lab, signIn, client, events } = await openStage()
    await signIn()
    const call = client(name, name === 'fetch' ? '' : lab.api)
    await attempt(call, urlOf(lab))
    await attempt(call, urlOf(lab))
    // axios does not take a URL that is broken by a newline for an absolute one: it goes to the API.
    if ((await lab.calls()).length === 0) {
      await expectNoCredential(lab, 2)
      const withheld = events.filter(([type]) => type === 'withheld')
      expect(withheld).toEqual([['withheld', { origin: lab.foreign, why: 'not-a-resource' }]])
    } else expect(await lab.received('foreign')).toEqual([])
  })

  test.each([
    ['F104: userinfo that looks like the API', (lab: RemoteLab) => lab.foreign.replace('//', `//${lab.api.slice(7)}@`)],
    ['F104: backslashes', (lab: RemoteLab) => lab.foreign.replaceAll('/', '\\')],
    ['F104: backslashes without a scheme', (lab: RemoteLab) => lab.foreign.slice('http:'.length).replaceAll('/', '\\')],
    ['F104: a mixture of slashes', (lab: RemoteLab) => lab.foreign.replace('//', '/\\')],
    ['F104: one slash', (lab: RemoteLab) => lab.foreign.replace('//', '/')],
  ])('%s: the token goes to the API or nowhere', async (_what, urlOf) => {
    const { lab, signIn, client } = await openStage()
    await signIn()
    await attempt(client(name, ''), `${urlOf(lab)}/x`)
    await attempt(client(name), `${urlOf(lab)}/x`)
    await expectNoToken(lab)
  })

  test('F103: a base href that points elsewhere takes relative URLs there, without the token', async () => {
    const { lab, signIn, client } = await openStage()
    await signIn()
    setBase(`${lab.foreign}/deep/`)
    await attempt(client(name, ''), 'x')
    await attempt(client(name, ''), '/y')
    expect((await lab.received('foreign')).map(({ url }) => url)).toEqual(['/deep/x', '/y'])
    await expectNoCredential(lab, 2)
  })

  test('a base href that points to the API takes relative URLs there, with the token', async () => {
    const { lab, signIn, client } = await openStage()
    await signIn()
    setBase(`${lab.api}/anything/`)
    expect((await client(name, '')('/me')).status).toBe(200)
  })

  test.each([302, 307])('a redirect (%i) within the API keeps the token', async (status) => {
    const { lab, signIn, client } = await openStage()
    await signIn()
    expect((await client(name)(`/redirect?status=${status}&to=/me`)).status).toBe(200)
    const [first, second] = await lab.calls()
    expect(second?.presented).toBe(first?.presented)
    expect(await lab.count('refresh')).toBe(0)
  })

  test.each([301, 302, 303, 307, 308])('F106: a redirect (%i) to another origin loses the token', async (status) => {
    const { lab, signIn, client } = await openStage()
    await signIn()
    const to = encodeURIComponent(`${lab.foreign}/elsewhere`)
    expect(await client(name)(`/redirect?status=${status}&to=${to}`)).toEqual({ status: 200, data: {} })
    const init = { method: 'POST', body: 'x' }
    await client(name)(`/redirect?status=${status}&to=${to}`, init).catch(() => {})
    expect((await lab.calls()).map(({ presented }) => typeof presented)).toEqual(['string', 'string'])
    await expectNoCredential(lab)
  })

  test('F103: without a list of resources only the page’s own origin gets the token', async () => {
    const { lab, tokens, client } = await openStage({ resources: () => [location.origin] })
    await tokens.startSession({ access_token: 'mine', token_type: 'Bearer', expires_in: 300 })
    await attempt(client(name), '/me')
    expect((await lab.calls('/me')).map(({ presented }) => presented)).toEqual([undefined])
  })
})
