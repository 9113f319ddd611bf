import type { BrowserContext, Page } from 'playwright-core'
import type { Driver, Tab } from './tabs-driver.ts'
import type { TabsSite } from './tabs-site.ts'

/** Tabs of one context of Playwright's Chromium. */
export function createChromiumDriver(context: BrowserContext, site: TabsSite, measured: Driver['measured']): Driver {
  return {
    site,
    measured,
    async open(options) {
      const page = await context.newPage()
      await page.goto(site.page(options))
      return toTab(page, site)
    },
    async cookie() {
      return (await context.cookies()).find(({ name }) => name === 'refresh_token')?.value
    },
  }
}

function toTab(page: Page, site: TabsSite): Tab {
  return {
    run: <Result, Given>(task: (given: Given) => Result | Promise<Result>, given?: Given) =>
      page.evaluate(task as () => Result, given),
    async leave(task, given) {
      const left = Promise.race([page.waitForEvent('framenavigated'), page.waitForEvent('close')])
      // The page may be gone before it can say that the task is done.
      await page.evaluate(task as () => void, given).catch(() => {})
      await left
      if (!page.isClosed()) await page.waitForLoadState()
    },
    async popup(options) {
      const [popup] = await Promise.all([
        page.waitForEvent('popup'),
        page.evaluate((url) => void window.open(url), site.page(options)),
      ])
      await popup.waitForLoadState()
      return toTab(popup, site)
    },
    async reload() {
      await page.reload()
    },
    async navigate() {
      await page.goto(`${site.url}blank`)
    },
    close: () => page.close(),
    async crash() {
      const crashed = page.waitForEvent('crash')
      await page.goto('chrome://crash').catch(() => {})
      await crashed
    },
  }
}
