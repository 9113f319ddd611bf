import { launch, type Browser, type Page } from 'puppeteer-core'
import type { Place } from './tabs-place.ts'
import { processOf, stopProcess } from './tabs-process.ts'
import { leaveSignals, toPlace } from './tabs-puppeteer.ts'

/** Firefox over WebDriver BiDi. */
export async function startFirefox(executablePath: string): Promise<Place> {
  const place = await toFirefox(executablePath)
  let apart: Place | undefined
  return {
    ...place,
    async open(site, measured, needs) {
      if (needs !== 'crash' && needs !== 'freeze') return place.open(site, measured)
      // With a process for each tab, so that one can die or sleep alone. That takes too long for many.
      apart ??= await toFirefox(executablePath, { 'dom.ipc.processCount': 100 })
      return apart.open(site, measured)
    },
    gone: async () => (await place.gone()) ?? apart?.gone(),
    async close() {
      await place.close()
      await apart?.close()
    },
  }
}

async function toFirefox(executablePath: string, preferences: Record<string, number> = {}): Promise<Place> {
  const browser = await launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    ...leaveSignals,
    extraPrefsFirefox: {
      // Chromium is started so that timers of hidden tabs keep their time, too.
      'dom.min_background_timeout_value': 4,
      'dom.min_background_timeout_value_without_budget_throttling': 4,
      'dom.timeout.enable_budget_timer_throttling': false,
      ...preferences,
    },
  })
  const frozen = new WeakMap<Page, number>()

  return toPlace(browser, {
    name: 'Firefox',
    unable: {},
    async crash(page) {
      process.kill(await processOf(pidOf(browser), (task) => page.evaluate(task)), 'SIGKILL')
    },
    // No command of WebDriver BiDi does it, but no task runs in a process that is stopped.
    async freeze(page) {
      frozen.set(page, await stopProcess(pidOf(browser), (task) => page.evaluate(task)))
    },
    async thaw(page) {
      process.kill(frozen.get(page)!, 'SIGCONT')
    },
  })
}

function pidOf(browser: Browser): number {
  const pid = browser.process()?.pid
  if (pid === undefined) throw new Error('this Firefox has been started by somebody else')
  return pid
}
