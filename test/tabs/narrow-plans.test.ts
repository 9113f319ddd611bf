import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runs } from '../races/runs.ts'
import type { Fate } from '../support/model-server.ts'
import { API, type Apis, openApis, PAY, VOTE } from './apis.ts'
import { BOUND_MS, credentials, LIFETIME_MS, type Tab, TIMEOUT_MS } from './browser.ts'

/** What happens, one after another; `tab` counts round those that there are. */
type Step =
  | { readonly do: 'send'; readonly tab: number; readonly url: string; readonly scope: string | undefined }
  /** Gives up the request that was begun last. */
  | { readonly do: 'abort' }
  | { readonly do: 'pass'; readonly ms: number }
  /** The server takes back all access tokens; the sessions go on. */
  | { readonly do: 'forget' }
  | { readonly do: 'fate'; readonly fate: Fate }
  | { readonly do: 'join' }
  /** Of somebody else each time: whoever signs in again keeps what he has. */
  | { readonly do: 'login'; readonly tab: number }
  | { readonly do: 'logout'; readonly tab: number }

interface Plan {
  readonly tabs: number
  readonly steps: readonly Step[]
  /** How often each message to the other tabs arrives. */
  readonly copies: readonly number[]
}

/** A request as it was begun. */
interface Begun {
  readonly url: string
  readonly scope: string | undefined
  readonly owner: unknown
  readonly controller: AbortController
  outcome: unknown
}

const tab = fc.nat(5)
const send = fc.record({
  do: fc.constant('send' as const),
  tab,
  url: fc.constantFrom(API, PAY, PAY, VOTE, VOTE, VOTE),
  scope: fc.constantFrom(undefined, undefined, 'pay:refund'),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: send, weight: 12 },
  { arbitrary: fc.record({ do: fc.constant('abort' as const) }), weight: 1 },
  {
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 4, 6, 12, 100, LIFETIME_MS / 2) }),
    weight: 5,
  },
  { arbitrary: fc.record({ do: fc.constant('forget' as const) }), weight: 1 },
  {
    arbitrary: fc.record({
      do: fc.constant('fate' as const),
      fate: fc.constantFrom<Fate[]>('busy', 'unreachable', 'lost', 'unanswered'),
    }),
    weight: 1,
  },
  { arbitrary: fc.record({ do: fc.constant('join' as const) }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('login' as const), tab }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('logout' as const), tab }), weight: 1 },
)
const plan: fc.Arbitrary<Plan> = fc.record({
  tabs: fc.integer({ min: 1, max: 3 }),
  steps: fc.array(step, { minLength: 4, maxLength: 24 }),
  copies: fc.array(fc.nat(2), { maxLength: 3 }),
})

async function play(apis: Apis, { steps, copies }: Plan): Promise<Map<string, Begun>> {
  const { browser, tabs } = apis
  const requests = new Map<string, Begun>()
  let message = 0
  browser.faults.copies = () => Array<number>(copies[message++ % (copies.length || 1)] ?? 1).fill(1)
  const at = (index: number): Tab => tabs[index % tabs.length]!

  function begin({ tab: index, url, scope }: Extract<Step, { readonly do: 'send' }>): void {
    const state = at(index).state()
    const controller = new AbortController()
    const owner = state.signedIn ? state.claims?.['sub'] : undefined
    const one: Begun = { url, scope, owner, controller, outcome: undefined }
    const name = `${url}/?${String(requests.size)}`
    requests.set(name, one)
    const target = { signal: controller.signal, ...(url === PAY && scope !== undefined && { scope }) }
    apis.send(at(index), name, target).then(
      (status) => (one.outcome = status),
      (error: unknown) => (one.outcome = error),
    )
  }

  for (const [index, one] of steps.entries()) {
    if (one.do === 'send') begin(one)
    if (one.do === 'abort') [...requests.values()].at(-1)?.controller.abort()
    if (one.do === 'pass') await browser.pass(one.ms)
    if (one.do === 'forget') browser.server.forgetAccess()
    if (one.do === 'fate') browser.fates.refresh.push(one.fate)
    if (one.do === 'join' && tabs.length < 5) await apis.join().catch(() => {})
    if (one.do === 'login')
      void at(one.tab)
        .tokens.login(`user-${String(index)}`)
        .catch(() => {})
    if (one.do === 'logout') void at(one.tab).tokens.logout()
  }
  // In the end everybody hears of everything again.
  browser.faults.copies = () => [1]
  browser.fates.refresh.length = 0
  await browser.pass(BOUND_MS)
  return requests
}

describe.each(credentials)('whatever happens, with a refresh %s', (credential) => {
  test('a token is for its API, scope and user, one that is used once is, and after a logout there is none', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (story) => {
        const apis = await openApis(story.tabs, { credential })
        const { browser, sent, tabs } = apis
        const requests = await play(apis, story)

        for (const { url, token } of sent) {
          const { url: api, scope, owner } = requests.get(url)!
          // Begun in no session it may go bare, or with what it has waited for.
          if (owner !== undefined) expect(token, url).not.toBe('')
          if (token === '') continue
          const access = browser.server.access(token)!
          const meant =
            api === PAY ? ['urn:pay', scope ?? 'pay'] : api === VOTE ? [VOTE, undefined] : [undefined, undefined]
          expect([access.resource, access.scope], url).toEqual(meant)
          expect(owner ?? access.family.owner, url).toBe(access.family.owner)
        }
        const votes = sent.filter(({ url, token }) => url.startsWith(VOTE) && token !== '').map(({ token }) => token)
        expect(new Set(votes).size, 'each vote has a token of its own').toBe(votes.length)

        const refreshes = browser.asked.filter(({ operation }) => operation === 'refresh')
        for (const [index, { presented, at }] of refreshes.entries()) {
          for (const before of refreshes.slice(0, index).filter((one) => one.presented === presented)) {
            expect(before.outcome, `what became of ${String(presented)}`).not.toBe('success')
            expect(before.doneAt !== undefined || at >= before.at + TIMEOUT_MS, 'not two at once').toBe(true)
          }
        }
        for (const [url, { outcome }] of requests) expect(outcome, `${url} settles`).toBeDefined()

        // Nobody can give back what never came; nor, where messages are lost, need there be anybody who has it.
        const isLossy =
          story.copies.includes(0) || browser.asked.some(({ fate }) => fate === 'lost' || fate === 'unanswered')
        void tabs.find((one) => one.state().signedIn)?.tokens.logout()
        await browser.pass(2 * BOUND_MS)
        if (!isLossy) expect(browser.server.live(), 'all is given back').toEqual([])
        const before = sent.length
        for (const one of tabs) for (const url of [PAY, VOTE]) await browser.during(apis.send(one, `${url}/`), 300)
        expect(
          sent.slice(before).every(({ token }) => token === ''),
          'nothing is left',
        ).toBe(true)
      }),
      runs(80),
    )
  })
})
