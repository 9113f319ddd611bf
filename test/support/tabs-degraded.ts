import assert from 'node:assert/strict'
import {
  all,
  assertAlive,
  assertSignedOut,
  assertUnharmed,
  callAtOnce,
  expiry,
  openTabs,
  pause,
  signIn,
  until,
  type Scenario,
  type Source,
  type Tab,
} from './tabs-driver.ts'
import { fault } from '../../src/testing/index.ts'

interface Missing {
  readonly without: readonly string[]
  /** What one `degraded` event each tells. */
  readonly told: readonly string[]
  /** Nothing tells another tab of a logout: it learns of it when the server refuses its token. */
  readonly untold?: true
  /** How many refreshes two tabs make that find the token expired at once. */
  readonly refreshes: number
}

const TIMEOUT_MS = 1_000

const lacks: readonly Missing[] = [
  { without: ['locks'], told: [], refreshes: 1 },
  { without: ['locks that answer'], told: [], refreshes: 1 },
  { without: ['channel'], told: ['channel'], refreshes: 2 },
  { without: ['channel that delivers'], told: [], refreshes: 2 },
  { without: ['records'], told: ['records'], refreshes: 1 },
  { without: ['records that answer'], told: ['records'], refreshes: 1 },
  { without: ['marker'], told: ['marker'], refreshes: 1 },
  { without: ['locks', 'records'], told: ['records'], refreshes: 1 },
  { without: ['channel', 'marker'], told: ['channel', 'marker'], refreshes: 2, untold: true },
  {
    without: ['locks', 'channel', 'records', 'marker'],
    told: ['channel', 'records', 'marker'],
    refreshes: 1,
  },
]

/** Without locks nothing is lost, whether it is told or not. */
async function degraded(tab: Tab): Promise<string[]> {
  const happened = await tab.run(() => client.happened)
  return happened.flatMap(({ what }) => /^degraded (?!locks)(.*)/.exec(what)?.[1] ?? [])
}

async function sessionEvents(tab: Tab): Promise<string[]> {
  const happened = await tab.run(() => client.happened)
  return happened.map(({ what }) => what).filter((what) => what.startsWith('signed'))
}

/** Alone: nothing is lost. */
function alone({ without, told }: Missing, source: Source): Scenario {
  return {
    name: `F31, F32, F54: without ${without.join(', ')} a tab signs in, refreshes and signs out in time (${source})`,
    async run(driver) {
      const { auth } = driver.site
      const bound = 3 * TIMEOUT_MS + 1_000
      const since = Date.now()
      const [tab] = await openTabs(driver, 1, { source, without, timeoutMs: TIMEOUT_MS })
      await signIn(driver, [tab], 2)
      driver.measured('ms to open and sign in', Date.now() - since)
      assert.equal(await tab.run(() => client.call()), 200)
      await expiry([tab])
      const { outcomes, ms } = await callAtOnce([tab])
      driver.measured('ms to refresh', ms)
      assert.deepEqual(outcomes, [200])
      assert(ms < bound, `${ms} ms`)
      assert(auth.count('refresh', 'rotated') >= 1)
      await assertAlive(driver, [tab])
      const { report, took } = await tab.run(async () => {
        const began = Date.now()
        const report = await client.tokens.logout()
        return { report, took: Date.now() - began }
      })
      driver.measured('ms to log out', took)
      // A lock that never comes is waited for longer than the report is: the call is made all the same.
      const late = source === 'cookie' && without.includes('locks that answer')
      assert.deepEqual(report, { revoked: late ? 'unconfirmed' : 'confirmed' })
      await until('the server has heard of it', () => auth.liveFamilies().length === 0)
      assert(took < bound, `${took} ms`)
      await assertSignedOut(tab, 'the tab')
      assert.deepEqual(auth.liveFamilies(), [])
      assert.deepEqual((await degraded(tab)).sort(), [...told].sort())
    },
  }
}

/** Two tabs that have as much in common as is left. */
function together({ without, refreshes, untold }: Missing): Scenario {
  return {
    name: `F31, F33: without ${without.join(', ')} two tabs keep the session, and a logout in one is one in the other (cookie)`,
    async run(driver) {
      const { auth } = driver.site
      const options = { without, timeoutMs: TIMEOUT_MS }
      const [tab] = await openTabs(driver, 1, options)
      await signIn(driver, [tab], 3)
      auth.settings.accessTokenMs = 3_000
      const [other] = await openTabs(driver, 1, options)
      await other.run(() => client.until('with tokens'))
      await pause(100)
      assert.deepEqual(await sessionEvents(tab), ['signed-in'], 'a tab that is opened disturbs nobody')
      auth.settings.accessTokenMs = 300_000
      await expiry([tab, other])
      const before = auth.count('refresh', 'rotated')
      auth.faults.next('refresh', fault.delay(50))
      const { outcomes, ms } = await callAtOnce([tab, other])
      driver.measured('ms until both are served', ms)
      driver.measured('refreshes', auth.count('refresh', 'rotated') - before)
      assertUnharmed(driver.site)
      assert.deepEqual(outcomes, [200, 200])
      assert(auth.count('refresh', 'rotated') - before <= refreshes)
      await assertAlive(driver, [tab, other])
      await tab.run(() => client.tokens.logout())
      await until('the session is over at the server', () => auth.liveFamilies().length === 0)
      const sent = driver.site.sent().length
      const outcome = await other.run(() => client.call())
      const later = driver.site.sent().slice(sent)
      assert.equal(await other.run(() => client.tokens.getState().signedIn), false)
      assert.deepEqual(
        later.map(({ user }) => user),
        [untold && 'demo@example.com'],
        'whose token leaves after the logout',
      )
      assert.equal(outcome, untold ? 'signed_out' : 401)
      assert.equal(await other.run(() => client.call()), 401)
    },
  }
}

export const degradedScenarios: readonly Scenario[] = [
  ...lacks.map((missing) => alone(missing, 'cookie')),
  ...lacks
    .filter(({ without }) => without.length > 2 || without[0]?.includes('that answer'))
    .map((missing) => alone(missing, 'json')),
  // With nothing in common but the cookie there is nothing that could be promised.
  // With neither locks nor records nothing keeps two tabs apart: see docs/degraded.md.
  ...lacks.filter(({ without }) => !(without.includes('locks') && without.includes('records'))).map(together),
  {
    name: 'F30: a record of another version is left alone, and costs nobody the session (cookie)',
    async run(driver) {
      const [tab, other] = await openTabs(driver, 2, { timeoutMs: TIMEOUT_MS })
      await signIn(driver, [tab, other], 2)
      await tab.run(
        () =>
          new Promise<void>((resolve, reject) => {
            const opening = indexedDB.open('tokenward')
            opening.onsuccess = () => {
              const writing = opening.result.transaction('sessions', 'readwrite')
              writing.objectStore('sessions').put({ version: 2, news: true }, 'cookie /auth/refresh')
              writing.oncomplete = () => resolve()
              writing.onerror = () => reject(writing.error ?? new Error('not written'))
            }
          }),
      )
      await expiry([tab, other])
      assert.deepEqual((await callAtOnce([tab, other])).outcomes, [200, 200])
      await assertAlive(driver, [tab, other])
      // Who did not refresh has not looked.
      assert.deepEqual(new Set((await all([tab, other], degraded)).flat()), new Set(['records']))
    },
  },
]
