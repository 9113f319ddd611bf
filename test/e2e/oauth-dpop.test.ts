import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { grants, restored, setUpOAuth, signIn } from './oauth-setup.ts'

// The API takes each nonce once.
const setting = setUpOAuth({ requireNonce: () => true, apiNonces: () => true })

test('F132, D-16: a sign-in at a provider that wants nonces binds all tokens to one key, a refresh goes on with it', async () => {
  const { page, site, provider } = setting()
  site.settings = { ...site.settings, source: { ...site.settings.source, clientId: 'spa-dpop', dpop: true } }
  await page.goto(site.origin)
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  await signIn(page)
  expect(asked.find((url) => url.includes('dpop_jkt='))).toBeDefined()
  expect(await page.evaluate(() => visit.call())).toBe(200)
  await page.evaluate(() => visit.pass(301_000))
  expect(await page.evaluate(() => visit.call())).toBe(200)
  expect(grants(setting(), 'refresh_token').filter((status) => status === 200)).toHaveLength(1)
  // Each endpoint is asked twice at most: once for its nonce.
  expect(provider.log.filter(({ path, status }) => path === '/token' && status === 400).length).toBeLessThanOrEqual(1)
  expect(await page.evaluate(() => visit.tokens.logout())).toMatchObject({ revoked: 'confirmed' })
})

test('RI-1, RI-2: each resource gets a token of its own from one sign-in, bound as well', async () => {
  const { page, site, provider } = setting()
  const { api } = provider
  const resources = [`${api}/opaque`, { url: `${api}/jwt`, scope: 'read' }]
  const scope = 'openid profile read'
  const source = { ...site.settings.source, clientId: 'spa-dpop', dpop: true as const, scope }
  site.settings = { ...site.settings, resources, source: { ...source, resource: [`${api}/opaque`, `${api}/jwt`] } }
  await page.goto(site.origin)
  await signIn(page)
  const calls = await page.evaluate(async () =>
    Promise.all(['/opaque', '/jwt', '/jwt'].map((path) => visit.call(path))),
  )
  expect(calls).toEqual([200, 200, 200])
  const refreshes = provider.log.filter(
    ({ body, status }) => body.get('grant_type') === 'refresh_token' && status === 200,
  )
  expect(refreshes.map(({ body }) => [body.get('resource'), body.get('scope')])).toEqual([[`${api}/jwt`, 'read']])
})

test('D-10: twenty requests at once all succeed at an API that takes each nonce once, and none is sent three times', async () => {
  const { page, site, provider } = setting()
  site.settings = { ...site.settings, source: { ...site.settings.source, clientId: 'spa-dpop', dpop: true } }
  await page.goto(site.origin)
  await signIn(page)
  let sent = 0
  page.on(
    'request',
    (request) => (sent += Number(request.url().startsWith(provider.api) && request.method() === 'GET')),
  )
  const calls = await page.evaluate(() => Promise.all(Array.from({ length: 20 }, () => visit.call())))
  expect(calls).toEqual(Array(20).fill(200))
  expect(sent).toBeLessThanOrEqual(40)
  expect(grants(setting(), 'refresh_token')).toEqual([])
})

test('D-6: a refresh token that is stolen is of no use without the key, and the session goes on', async () => {
  const { page, site, provider } = setting()
  site.settings = { ...site.settings, source: { ...site.settings.source, clientId: 'spa-dpop', dpop: true } }
  await page.goto(site.origin)
  await signIn(page)
  const endpoint = `${provider.issuer}/token`
  let stolen = ''
  await page.route(endpoint, (route) => {
    stolen = route.request().postData() ?? stolen
    return route.abort()
  })
  await page.evaluate(() => visit.pass(301_000))
  expect(await page.evaluate(() => visit.call())).toBe('refresh_unavailable')
  expect(new URLSearchParams(stolen).get('refresh_token')).toBeTruthy()

  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(publicKey) }
  const present = async (nonce?: string): Promise<Response> => {
    const claims = { htm: 'POST', htu: endpoint, jti: String(Math.random()), nonce }
    const proof = await new SignJWT(claims).setProtectedHeader(header).setIssuedAt().sign(privateKey)
    return fetch(endpoint, { method: 'POST', headers: { DPoP: proof }, body: new URLSearchParams(stolen) })
  }
  const nonce = (await present()).headers.get('dpop-nonce')!
  expect(await (await present(nonce)).json()).toMatchObject({ error: 'invalid_grant' })
  const bare = await fetch(endpoint, { method: 'POST', body: new URLSearchParams(stolen) })
  expect(bare.status).toBe(400)

  await page.unroute(endpoint)
  await page.evaluate(() => visit.pass(60_000))
  expect(await page.evaluate(() => visit.call())).toBe(200)
})

test('F140: a key that is gone after a reload ends the session clearly, and the next sign-in makes another', async () => {
  const { page, site } = setting()
  const source = { ...site.settings.source, clientId: 'spa-dpop', dpop: true as const }
  site.settings = { ...site.settings, stores: true, source }
  await page.goto(site.origin)
  await signIn(page)
  await page.evaluate(() => void indexedDB.deleteDatabase('tokenward-dpop'))
  await page.reload()
  await restored(page)
  expect(await page.evaluate(() => visit.tokens.getState())).toMatchObject({ signedIn: false, reason: 'key-lost' })
  expect(grants(setting(), 'refresh_token')).toEqual([])
  await signIn(page, 'ann', '/again')
  expect(await page.evaluate(() => visit.call())).toBe(200)
})
