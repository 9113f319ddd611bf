import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject } from 'vitest'
import { chromiumArgs } from '../support/chromium.mjs'
import type { App } from '../support/page.ts'
import { startSite, type Site, type SiteOptions } from '../support/site.ts'

declare global {
  /** In a page. */
  var app: App
}

export interface Setting {
  readonly site: Site
  readonly context: BrowserContext
  readonly page: Page
  /** What the pages have written to their consoles, and the errors that nobody caught. */
  readonly console: readonly string[]
  readonly problems: readonly string[]
}

/** One browser per file; for each test a site with servers of its own, and a page on it. */
export function setUpPages(options: () => SiteOptions = () => ({})): () => Setting {
  let browser: Browser
  let setting: Setting

  beforeAll(async () => {
    const { executablePath, env } = inject('chromium')
    browser = await chromium.launch({ executablePath, args: chromiumArgs, env: { ...process.env, ...env } })
  })
  afterAll(() => browser.close())

  beforeEach(async () => {
    const [site, context] = await Promise.all([startSite(options()), browser.newContext()])
    const written: string[] = []
    const problems: string[] = []
    context.on('console', (message) => written.push(message.text()))
    context.on('weberror', (error) => problems.push(String(error.error())))
    const page = await context.newPage()
    await page.goto(site.url)
    setting = { site, context, page, console: written, problems }
  })
  afterEach(async () => {
    await setting.context.close()
    await setting.site.close()
    expect(setting.problems).toEqual([])
  })
  return () => setting
}
