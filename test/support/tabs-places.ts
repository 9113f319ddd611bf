import { resolveChromium } from './chromium.mjs'
import { startFirefox } from './tabs-firefox.ts'
import { freezeScenarios } from './tabs-freeze.ts'
import { lifecycleScenarios } from './tabs-lifecycle.ts'
import type { Place, PlaceScenario } from './tabs-place.ts'
import { startChromium } from './tabs-puppeteer.ts'
import { scenarios as common } from './tabs-scenarios.ts'
import { startWebKit } from './tabs-webkit.ts'

export { startTabsSite } from './tabs-site.ts'

export const scenarios: readonly PlaceScenario[] = [...common, ...lifecycleScenarios, ...freezeScenarios]

/** How to start each, and what it needs from Debian: files, and the packages that they come in. */
export interface Start {
  readonly files: Readonly<Record<string, string>>
  start(): Promise<Place>
}

const webkit = {
  driver: '/usr/bin/WebKitWebDriver',
  browser: `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/webkit2gtk-4.1/MiniBrowser`,
  xvfb: '/usr/bin/Xvfb',
}

export const places: Readonly<Record<string, Start>> = {
  npm: { files: {}, start: startShell },
  chromium: {
    files: { '/usr/bin/chromium': 'chromium' },
    start: () => startChromium({ executablePath: '/usr/bin/chromium', headless: true }),
  },
  firefox: { files: { '/usr/bin/firefox-esr': 'firefox-esr' }, start: () => startFirefox('/usr/bin/firefox-esr') },
  webkit: {
    files: { [webkit.driver]: 'webkit2gtk-driver', [webkit.browser]: 'webkit2gtk-driver', [webkit.xvfb]: 'xvfb' },
    start: () => startWebKit(webkit),
  },
}

/** The Chromium of npm, in which the scenarios are also tests. */
async function startShell(): Promise<Place> {
  const { executablePath, env } = await resolveChromium()
  return startChromium({ executablePath, headless: 'shell', env: { ...process.env, ...env } })
}
