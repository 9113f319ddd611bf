import {
  launch,
  type Browser,
  type BrowserContext,
  type CDPSession,
  type LaunchOptions,
  type Page,
} from 'puppeteer-core'
import { chromiumArgs } from './chromium.mjs'
import { pause, until, type Tab } from './tabs-driver.ts'
import type { Place, Profile } from './tabs-place.ts'
import type { TabsSite } from './tabs-site.ts'

/** Whoever starts browsers ends them: puppeteer would end a browser, and let its user go on without one. */
export const leaveSignals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }

/** The whole Chromium has a back/forward cache; the headless shell has none, and a window for each tab. */
export async function startChromium(
  options: Required<Pick<LaunchOptions, 'executablePath' | 'headless'>> & Pick<LaunchOptions, 'env'>,
): Promise<Place> {
  const isShell = options.headless === 'shell'
  const browser = await launch({
    ...options,
    args: chromiumArgs,
    ...leaveSignals,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })
  const sessions = new WeakMap<Page, CDPSession>()

  async function sessionOf(page: Page): Promise<CDPSession> {
    const session = sessions.get(page) ?? (await page.createCDPSession())
    sessions.set(page, session)
    return session
  }

  async function setState(page: Page, state: 'frozen' | 'active'): Promise<void> {
    await (await sessionOf(page)).send('Page.setWebLifecycleState', { state })
  }

  async function setWindow(page: Page, windowState: 'minimized' | 'normal'): Promise<void> {
    const session = await sessionOf(page)
    const { windowId } = await session.send('Browser.getWindowForTarget')
    await session.send('Browser.setWindowBounds', { windowId, bounds: { windowState } })
  }

  return toPlace(browser, {
    name: isShell ? 'Chromium (npm, headless shell)' : 'Chromium (Debian)',
    unable: isShell ? { bfcache: 'the headless shell keeps no page, whatever it is started with' } : {},
    async crash(page) {
      const crashed = new Promise((resolve) => page.once('error', resolve))
      await page.goto('chrome://crash').catch(() => {})
      await crashed
    },
    freeze: (page) => setState(page, 'frozen'),
    thaw: (page) => setState(page, 'active'),
    ...(isShell && {
      hide: (page) => setWindow(page, 'minimized'),
      show: (page) => setWindow(page, 'normal'),
    }),
  })
}

interface Ways extends Pick<Place, 'name' | 'unable'> {
  crash(page: Page): Promise<void>
  freeze(page: Page): Promise<void>
  thaw(page: Page): Promise<void>
  /** Default: behind another. */
  hide?(page: Page): Promise<void>
  /** Default: in front of all others. */
  show?(page: Page): Promise<void>
}

/** Each profile is a browser context. */
export async function toPlace(browser: Browser, ways: Ways): Promise<Place> {
  const child = browser.process()
  let said = ''
  child?.stderr?.on('data', (text: Buffer) => (said = `${said}${String(text)}`.slice(-1_000)))
  return {
    name: ways.name,
    version: (await browser.version()).replace(/.*\//, ''),
    unable: ways.unable,
    async open(site, measured) {
      return openProfile(await browser.createBrowserContext(), { site, measured, ways })
    },
    async gone() {
      // What puppeteer knows of it may be what it was a moment ago.
      const asked = browser.connected && browser.createBrowserContext().then((context) => context.close())
      const answers = await Promise.race([Promise.resolve(asked).then(() => asked !== false), pause(10_000)]).catch(
        () => false,
      )
      if (answers) return undefined
      const how = child?.signalCode ?? child?.exitCode ?? 'nothing: its process is still there'
      return `it ended with ${String(how)}; its last words: ${said.trim()}`
    },
    close: () => browser.close(),
  }
}

interface Setting {
  readonly site: TabsSite
  readonly ways: Ways
  measured(what: string, value: number): void
}

function openProfile(context: BrowserContext, { site, measured, ways }: Setting): Profile {
  const problems: string[] = []
  const pages = new WeakMap<Tab, Page>()

  const pageOf = (tab: Tab): Page => {
    const page = pages.get(tab)
    if (!page) throw new Error('a tab of another profile')
    return page
  }

  async function hideBehind(page: Page): Promise<void> {
    const other = (await context.pages()).find((one) => one !== page) ?? (await context.newPage())
    await other.bringToFront()
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
      crash: () => ways.crash(page),
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
      freeze: (tab) => ways.freeze(pageOf(tab)),
      thaw: (tab) => ways.thaw(pageOf(tab)),
      hide: (tab) => (ways.hide ?? hideBehind)(pageOf(tab)),
      show: (tab) => (ways.show ? ways.show(pageOf(tab)) : pageOf(tab).bringToFront()),
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
