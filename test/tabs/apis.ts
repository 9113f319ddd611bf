import type { Exchange, SendTarget, TokenManagerOptions } from 'tokenward'
import { API, type Browser, type BrowserOptions, openBrowser, type Tab } from './browser.ts'

export { API } from './browser.ts'
/** Has tokens of its own. */
export const PAY = 'https://pay.example.com/v1'
/** Takes each token once. */
export const VOTE = 'https://vote.example.com'

const resources: NonNullable<TokenManagerOptions<string>['resources']> = [
  API,
  { url: PAY, resource: 'urn:pay', scope: 'pay' },
  { url: VOTE, reuse: 'once' },
]

/** A request that left a tab. */
export interface Sent {
  readonly tab: string
  readonly url: string
  readonly token: string
  readonly status: number
}

/** Tabs with three APIs, each of which takes only the tokens that are meant for it. */
export interface Apis {
  readonly browser: Browser
  readonly tabs: readonly Tab[]
  readonly sent: readonly Sent[]
  /** Opens one more, which finds the session. */
  join(): Promise<Tab>
  send(tab: Tab, url: string, target?: Partial<SendTarget>): Promise<number>
  /** How many tokens were issued that are not the session's own. */
  narrow(): number
}

export async function openApis(
  count: number,
  options: BrowserOptions & { readonly own?: Partial<TokenManagerOptions<string>> } = {},
): Promise<Apis> {
  const browser = openBrowser(options)
  const own = { resources, ...options.own }
  const sent: Sent[] = []
  const spent = new Set<string>()

  function judge(url: string, token: string): number {
    const access = browser.server.access(token)
    const meant = url.startsWith(PAY) ? 'urn:pay' : url.startsWith(VOTE) ? VOTE : undefined
    if (access?.resource !== meant || browser.server.judge(`Bearer ${token}`) !== 200) return 401
    if (meant !== VOTE) return 200
    if (spent.has(token)) return 401
    spent.add(token)
    return 200
  }

  const apis: Apis = {
    browser,
    tabs: browser.tabs,
    sent,
    join: () => browser.join(own),
    send(tab, url, target) {
      const exchange: Exchange<number> = {
        repeatable: true,
        async send(headers) {
          const token = (headers['Authorization'] ?? '').replace('Bearer ', '')
          const status = judge(url, token)
          sent.push({ tab: tab.name, url, token, status })
          await tab.arrive(browser.delay(browser.latencyMs))
          return status
        },
        answer: (status) => ({ status, header: () => null }),
      }
      return tab.tokens.send({ url, ...target }, exchange)
    },
    narrow: () => browser.server.everything().filter(({ resource }) => resource !== undefined).length,
  }
  await browser.during(browser.openTab(own).tokens.login('ann'))
  while (browser.tabs.length < count) await apis.join()
  return apis
}
