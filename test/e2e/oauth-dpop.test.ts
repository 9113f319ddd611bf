import { expect, test } from 'vitest'
import { grants, setUpOAuth, signIn } from './oauth-setup.ts'

const setting = setUpOAuth({ requireNonce: () => true })

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
