import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject } from 'vitest'
import { type ProviderOptions, type RunningProvider, startProvider } from '../../examples/server/provider.ts'
import { chromiumArgs } from '../support/chromium.mjs'
import { type OAuthSite, startOAuthSite } from '../support/oauth-site.ts'

export interface OAuthSetting {
  readonly site: OAuthSite
  readonly provider: RunningProvider
  readonly context: BrowserContext
  readonly page: Page
}

/** One browser, one site and one provider for each file; for each test a user of his own, with a page that is not signed in. */
export function setUpOAuth(
  options: Partial<ProviderOptions> & { readonly siteHost?: string } = {},
): () => OAuthSetting {
  let browser: Browser
  let site: OAuthSite
  let provider: RunningProvider
  let setting: OAuthSetting
  const problems: string[] = []

  beforeAll(async () => {
    const { executablePath, env } = inject('chromium')
    browser = await chromium.launch({
      executablePath,
      args: chromiumArgs,
      env: { ...process.env, ...env },
    })
    site = await startOAuthSite(options.siteHost)
    provider = await startProvider({ applications: [site.origin], ...options })
  })
  afterAll(async () => {
    await browser.close()
    await provider.close()
    await site.close()
  })

  beforeEach(async () => {
    site.settings = { source: { issuer: provider.issuer, postLogoutRedirectUri: `${site.origin}/` }, api: provider.api }
    site.headers = {}
    site.visited.length = provider.events.length = provider.log.length = 0
    const context = await browser.newContext()
    context.on('weberror', (error) => problems.push(String(error.error())))
    const page = await context.newPage()
    setting = { site, provider, context, page }
  })
  afterEach(async () => {
    await setting.context.close()
    expect(problems.splice(0)).toEqual([])
  })
  return () => setting
}

/** What the `restore()` of a page has come to. */
export const restored = (tab: Page): Promise<string | undefined> => tab.evaluate(() => visit.restored)

/** Resolves when `tab` is at `path`. Playwright's own way misses a URL that is replaced while the page loads. */
export async function arrival(tab: Page, path: string): Promise<void> {
  const here = (): string => tab.url().replace(/^\w+:\/\/[^/]+/, '')
  await expect.poll(here, { timeout: 10_000 }).toBe(path)
}

/** Signs in by leaving the page, and resolves when it is back. */
export async function signIn(tab: Page, user = 'ann', returnTo = '/home'): Promise<void> {
  const login = { loginHint: user, returnTo, prompt: 'login' }
  await tab.evaluate((input) => void visit.tokens.login(input).catch(() => {}), login)
  await arrival(tab, returnTo)
  expect(await restored(tab)).toBe('active')
}

export const user = (tab: Page): Promise<unknown> =>
  tab.evaluate(() => {
    const state = visit.tokens.getState()
    return state.signedIn ? state.claims?.['sub'] : undefined
  })

/** The calls to the token endpoint that had this grant type. */
export function grants({ provider }: OAuthSetting, type: 'authorization_code' | 'refresh_token'): number[] {
  return provider.log
    .filter(({ path, body }) => path === '/token' && body.get('grant_type') === type)
    .map(({ status }) => status)
}
