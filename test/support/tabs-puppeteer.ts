import { launch, type Browser, type BrowserContext, type CDPSession, type Page } from 'puppeteer-core'
import { chromiumArgs } from './chromium.mjs'
import { until, type Tab } from './tabs-driver.ts'
import type { Place, Profile } from './tabs-place.ts'
import type { TabsSite } from './tabs-site.ts'

/** The whole Chromium, which has a back/forward cache, hides tabs, and freezes them. */
export async function startChromium(executablePath: string): Promise<Place> {
  const browser = await launch({
    executablePath,
    headless: true,
    args: chromiumArgs,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })
  return toPlace(browser, {
    name: 'Chromium (Debian)',
    unable: {},
    async crash(page) {
      const crashed = new Promise((resolve) => page.once('error', resolve))
      await page.goto('chrome://crash').catch(() => {})
      await crashed
    },
  })
}

interface Ways extends Pick<Place, 'name' | 'unable'> {
  crash(page: Page): Promise<void>
}

/** Each profile is a browser context. */
export async function toPlace(browser: Browser, { name, unable, crash }: Ways): Promise<Place> {
  return {
    name,
    version: (await browser.version()).replace(/.*\//, ''),
    unable,
    async open(site, measured) {
      return openProfile(await browser.createBrowserContext(), { site, measured, crash })
    },
    close: () => browser.close(),
  }
}

interface Setting extends Pick<Ways, 'crash'> {
  readonly site: TabsSite
  measured(what: string, value: number): void
}

function openProfile(context: BrowserContext, { site, measured, crash }: Setting): Profile {
  const problems: string[] = []
  const pages = new WeakMap<Tab, Page>()
  const sessions = new WeakMap<Tab, CDPSession>()

  const pageOf = (tab: Tab): Page => {
    const page = pages.get(tab)
    if (!page) throw new Error('a tab of another profile')
    return page
  }

  async function setState(tab: Tab, state: 'frozen' | 'active'): Promise<void> {
    const session = sessions.get(tab) ?? (await pageOf(tab).createCDPSession())
    sessions.set(tab, session)
    await session.send('Page.setWebLifecycleState', { state })
  }

  async function toTab(page: Page): Promise<Tab> {
    page.on('pageerror', (error) => problems.push(String(error)))
    await loaded(page)
    const tab: Tab = {
      run: <Result, Given>(task: (given: Given) => Result | Promise<Result>, given?: Given) =>
        page.evaluate(task as (given: unknown) => Result, given),
      async leave(task, given) {
        const mark = Math.random()
        await page.evaluate((value) => void Object.assign(globalThis, { mark: value }), mark)
        // The page may be gone before it can say that the task is done.
        await page.evaluate(task as (given: unknown) => void, given).catch(() => {})
        await loaded(page, mark)
      },
      async popup(options) {
        const opened = new Promise<Page | null>((resolve) => page.once('popup', resolve))
        await page.evaluate((url) => void window.open(url), site.page(options))
        return toTab((await opened)!)
      },
      async reload() {
        await page.reload()
      },
      async navigate() {
        await page.goto(`${site.url}blank`)
      },
      close: () => page.close(),
      crash: () => crash(page),
    }
    pages.set(tab, page)
    return tab
  }

  return {
    problems,
    driver: {
      site,
      measured,
      async open(options) {
        const page = await context.newPage()
        await page.goto(site.page(options))
        return toTab(page)
      },
      async cookie() {
        return (await context.cookies()).find(({ name }) => name === 'refresh_token')?.value
      },
      freeze: (tab) => setState(tab, 'frozen'),
      thaw: (tab) => setState(tab, 'active'),
      async hide(tab) {
        // Behind another.
        const other = (await context.pages()).find((page) => page !== pageOf(tab)) ?? (await context.newPage())
        await other.bringToFront()
      },
      show: (tab) => pageOf(tab).bringToFront(),
    },
    close: () => context.close(),
  }
}

/** A page that has no such mark, and has run what it loads; or none any more. */
async function loaded(page: Page, mark?: number): Promise<void> {
  const isLoaded = (value: number | undefined): boolean =>
    document.readyState === 'complete' &&
    location.protocol !== 'about:' &&
    (value === undefined || (globalThis as { mark?: number }).mark !== value)
  await until('the page is loaded', async () => page.isClosed() || page.evaluate(isLoaded, mark).catch(() => false))
}
