import assert from 'node:assert/strict'
import { fault } from '../../src/testing/index.ts'
import {
  assertAlive,
  assertSignedOut,
  callAtOnce,
  expiry,
  openTabs,
  signIn,
  until,
  type Scenario,
  type Storage,
} from './tabs-driver.ts'

function kept(storage: Storage): Scenario[] {
  const page = { source: 'json', storage } as const
  return [
    {
      name: `F38: the only tab is reloaded, twice: the refresh token that is stored finds the session (${storage})`,
      async run(driver) {
        const [tab] = await openTabs(driver, 1, page)
        await signIn(driver, [tab])
        for (const times of [1, 2]) {
          await tab.reload()
          const { signedIn } = await tab.run(() => client.tokens.restore())
          assert(signedIn)
          assert.equal(driver.site.auth.count('refresh'), times)
          await assertAlive(driver, [tab])
        }
      },
    },
    {
      name: `F14: 8 tabs that find the token expired make one refresh, whoever signed in is gone (${storage})`,
      async run(driver) {
        const [first, ...tabs] = await openTabs(driver, 9, page)
        await signIn(driver, [first, ...tabs], 3)
        await first.close()
        await expiry(tabs)
        const before = driver.site.auth.count('refresh')
        const { outcomes } = await callAtOnce(tabs)
        assert.deepEqual(outcomes, Array(8).fill(200))
        assert.equal(driver.site.auth.count('refresh') - before, 1)
        await assertAlive(driver, tabs)
      },
    },
    {
      name: `F36, F38: the only tab is closed during its refresh, before the server commits: the next page presents the token again, once its turn is over (${storage})`,
      async run(driver) {
        const { auth } = driver.site
        const [tab] = await openTabs(driver, 1, page)
        await signIn(driver, [tab], 2)
        await expiry([tab])
        auth.faults.next('refresh', fault.silence())
        const before = auth.count('refresh')
        await tab.run(() => void client.call())
        await until('the refresh has reached the server', () => auth.count('refresh') > before)
        await tab.close()
        const [next] = await openTabs(driver, 1, page)
        await until('the session is alive', async () => (await next.run(() => client.call())) === 200, 20_000)
        await assertAlive(driver, [next])
      },
    },
    {
      name: `F38, F76: a logout takes what is stored: no reload brings the session back (${storage})`,
      async run(driver) {
        const [tab] = await openTabs(driver, 1, page)
        await signIn(driver, [tab])
        const report = await tab.run(() => client.tokens.logout())
        assert.equal(report.revoked, 'confirmed')
        await tab.reload()
        await tab.run(() => client.tokens.restore({ ask: true }))
        await assertSignedOut(tab, 'the page after the reload')
        assert.deepEqual(driver.site.auth.liveFamilies(), [])
      },
    },
  ]
}

export const storageScenarios: readonly Scenario[] = [
  ...kept('plain'),
  ...kept('encrypted'),
  {
    name: 'F33, F126: what is stored encrypted has no token in it that could be read (encrypted)',
    async run(driver) {
      const { auth } = driver.site
      const tabs = await openTabs(driver, 2, { source: 'json', storage: 'encrypted' })
      await signIn(driver, tabs, 2)
      await expiry(tabs)
      await callAtOnce(tabs)
      const secrets = auth.issuedTokens()
      assert(secrets.length >= 4, `${secrets.length} tokens were issued`)
      assert.deepEqual(await tabs[0].run((all) => client.leaks(all), secrets), [])
    },
  },
]
