/** How long a request of a test that has ended may take. */
const PATIENCE_MS = 5_000

/** What is taken of Playwright. */
export interface BrowserLike<State, Context> {
  newContext(options: { readonly storageState?: State }): Promise<Context>
}

export interface ContextLike<State, Page> {
  newPage(): Promise<Page>
  storageState(): Promise<State>
  on(event: 'request' | 'requestfailed', listener: (request: object) => void): unknown
  on(event: 'response', listener: (response: { request(): object }) => void): unknown
  close(): Promise<void>
}

export interface StateLike {
  readonly cookies: readonly { readonly name: string; readonly domain: string; readonly path: string }[]
}

export interface SharedSessionOptions<Page> {
  /** Signs in on a page of its own, and returns when that is done. */
  readonly signIn: (page: Page) => Promise<void>
  /**
   * Whether a test left the session alive. Default: all cookies that the sign-in had set are still there.
   *
   * @param page A page of the test's context, not navigated yet.
   */
  readonly isSignedIn?: (page: Page) => Promise<boolean>
}

/** The `test` of Playwright, as far as it is used. */
interface Extendable {
  extend(fixtures: object): unknown
}

/** The type of `page` in a `test`, whose last form is `test(title, details, body)`. */
type PageOf<Test> = Test extends (title: string, details: never, body: infer Body) => unknown
  ? Body extends (args: infer Args, ...rest: never) => unknown
    ? Args extends { readonly page: infer Page }
      ? Page
      : never
    : never
  : never

/**
 * A `test` of Playwright whose pages are signed in, with one sign-in for each worker.
 *
 * A stored state that several tests begin with is a trap where refresh tokens rotate: the first test spends the cookie
 * in it, the second presents it again, and the server takes that for theft and ends the session for both. So the state
 * is handed on: each test begins with what the one before it left, one at a time, and workers share nothing. Who signs
 * out in a test costs the next one a sign-in.
 *
 * For sessions that survive a reload: by cookie, or by a storage that Playwright can copy. A session in memory alone, and
 * one whose key no script can read, cannot be shared in any way.
 *
 * @example
 *   import { test as base } from 'playwright/test'
 *   import { withSharedSession } from 'tokenward/testing'
 *
 *   const test = withSharedSession(base, {
 *     async signIn(page) {
 *       await page.goto('http://localhost:3000')
 *       await page.getByLabel('Email').fill('demo@example.com')
 *       await page.getByRole('button', { name: 'Sign in' }).click()
 *     },
 *   })
 *   test('is signed in', async ({ page }) => {
 *     await page.goto('http://localhost:3000')
 *   })
 */
export function withSharedSession<Test extends Extendable>(
  test: Test,
  options: SharedSessionOptions<PageOf<Test>>,
): Test {
  const fixtures = sharedSessionFixtures<StateLike, PageOf<Test>, ContextLike<StateLike, PageOf<Test>>>(options)
  return test.extend({
    sharedSession: [fixtures.sharedSession, { scope: 'worker' }],
    context: fixtures.context,
  }) as Test
}

/** The session of a worker, between tests. */
export interface SharedSession<State> {
  state: State | undefined
  /** The cookies that the sign-in had set. */
  cookies: readonly string[]
}

type Use<Value> = (value: Value) => Promise<void>

interface SharedSessionFixtures<State, Context> {
  sharedSession(needs: object, use: Use<SharedSession<State>>): Promise<void>
  context(
    needs: { readonly browser: BrowserLike<State, Context>; readonly sharedSession: SharedSession<State> },
    use: Use<Context>,
  ): Promise<void>
}

function sharedSessionFixtures<State extends StateLike, Page, Context extends ContextLike<State, Page>>({
  signIn,
  isSignedIn,
}: SharedSessionOptions<Page>): SharedSessionFixtures<State, Context> {
  async function begin(browser: BrowserLike<State, Context>, session: SharedSession<State>): Promise<State> {
    const context = await browser.newContext({})
    try {
      await signIn(await context.newPage())
      const state = await context.storageState()
      session.cookies = cookiesOf(state)
      return state
    } finally {
      await context.close()
    }
  }

  async function isAlive(context: Context, state: State, { cookies }: SharedSession<State>): Promise<boolean> {
    if (isSignedIn) return isSignedIn(await context.newPage())
    const left = new Set(cookiesOf(state))
    return cookies.every((cookie) => left.has(cookie))
  }

  return {
    sharedSession: async ({}, use) => {
      await use({ state: undefined, cookies: [] })
    },
    context: async ({ browser, sharedSession }, use) => {
      const storageState = sharedSession.state ?? (await begin(browser, sharedSession))
      // Until the test has ended nobody knows what is left of it.
      sharedSession.state = undefined
      const context = await browser.newContext({ storageState })
      try {
        const idle = untilIdle(context)
        await use(context)
        // A refresh on its way brings a cookie that the state must have.
        await idle()
        const alive = await isAlive(context, await context.storageState(), sharedSession)
        if (alive) sharedSession.state = await context.storageState()
      } finally {
        await context.close()
      }
    },
  }
}

function cookiesOf({ cookies }: StateLike): string[] {
  return cookies.map(({ name, domain, path }) => `${name} ${domain}${path}`)
}

/** Resolves when no request of `context` is on its way; after some seconds in any case. */
function untilIdle<State, Page>(context: ContextLike<State, Page>): () => Promise<void> {
  const open = new Set<object>()
  let settled = (): void => undefined
  const over = (request: object): void => {
    open.delete(request)
    if (open.size === 0) settled()
  }
  context.on('request', (request) => open.add(request))
  // Its headers are there, and with them its cookies.
  context.on('response', (response) => over(response.request()))
  context.on('requestfailed', over)
  return () =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS)
      settled = () => {
        clearTimeout(timer)
        resolve()
      }
      if (open.size === 0) settled()
    })
}
