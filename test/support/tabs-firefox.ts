import { launch, type Browser } from 'puppeteer-core'
import type { Place } from './tabs-place.ts'
import { processThat } from './tabs-process.ts'
import { toPlace } from './tabs-puppeteer.ts'

/** Firefox over WebDriver BiDi. */
export async function startFirefox(executablePath: string): Promise<Place> {
  const place = await toFirefox(executablePath)
  let fragile: Promise<Place> | undefined
  return {
    ...place,
    open(site, measured, needs) {
      if (needs !== 'crash') return place.open(site, measured)
      // With a process for each tab, so that one can die alone. That takes too long for many.
      fragile ??= toFirefox(executablePath, { 'dom.ipc.processCount': 100 })
      return fragile.then(({ open }) => open(site, measured))
    },
    async close() {
      await place.close()
      await (await fragile)?.close()
    },
  }
}

async function toFirefox(executablePath: string, preferences: Record<string, number> = {}): Promise<Place> {
  const browser = await launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    extraPrefsFirefox: {
      // Chromium is started so that timers of hidden tabs keep their time, too.
      'dom.min_background_timeout_value': 4,
      'dom.min_background_timeout_value_without_budget_throttling': 4,
      'dom.timeout.enable_budget_timer_throttling': false,
      ...preferences,
    },
  })
  return toPlace(browser, {
    name: 'Firefox',
    unable: { freeze: 'no command of WebDriver BiDi freezes a tab' },
    async crash(page) {
      const compute = (): void => {
        const end = Date.now() + 500
        while (Date.now() < end);
      }
      process.kill(await processThat(pidOf(browser), () => page.evaluate(compute)), 'SIGKILL')
    },
  })
}

function pidOf(browser: Browser): number {
  const pid = browser.process()?.pid
  if (pid === undefined) throw new Error('this Firefox has been started by somebody else')
  return pid
}
