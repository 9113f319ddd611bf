import assert from 'node:assert/strict'
import {
  all,
  assertAlive,
  callAtOnce,
  expiry,
  openTabs,
  signIn,
  until,
  type Scenario,
  type Source,
} from './tabs-driver.ts'

function silent(source: Source): Scenario {
  return {
    name: `F33, F160: no token is left in any storage or page, and the channel carries what was asked for only (${source})`,
    async run(driver) {
      const { auth } = driver.site
      const listener = await driver.open({ source })
      await listener.run((name) => client.listen(name), driver.site.sessionName(source))
      const tabs = await openTabs(driver, 3, { source })
      await signIn(driver, tabs, 2)
      await expiry(tabs)
      await callAtOnce(tabs)
      auth.revokeAccessTokens()
      await callAtOnce(tabs)
      const later = await openTabs(driver, 1, { source })
      const everybody = [...tabs, ...later]
      await assertAlive(driver, everybody)
      await tabs[1].run(() => client.signIn('admin'))
      await all(everybody, (tab) => tab.run(() => client.until('with tokens')))
      const whileSignedIn = await all(everybody, (tab) =>
        tab.run((secrets) => client.leaks(secrets), auth.issuedTokens()),
      )
      assert.deepEqual(whileSignedIn.flat(), [])
      await tabs[2]?.run(() => client.tokens.logout())
      await all(everybody, (tab) => tab.run(() => client.until('signed-out')))
      const secrets = auth.issuedTokens()
      const places = await all([...everybody, listener], (tab) => tab.run((all) => client.leaks(all), secrets))
      assert.deepEqual(places.flat(), [])
      assert(secrets.length >= 8, `${secrets.length} tokens were issued`)

      await until('the last message is heard', async () => {
        const heard = await listener.run(() => client.heard.length)
        return heard > 0 && heard === (await listener.run(() => client.heard.length))
      })
      const heard = await listener.run(() => client.heard)
      const refreshTokens = secrets.filter((secret) => !secret.includes('.'))
      const accessTokens = secrets.filter((secret) => secret.includes('.'))
      assert(refreshTokens.length >= 4)
      let wanted = false
      for (const { type, text } of heard) {
        assert(!refreshTokens.some((secret) => text.includes(secret)), `a refresh token in a message: ${type}`)
        if (type === 'wanted') wanted = true
        const carries = accessTokens.some((secret) => text.includes(secret))
        assert.equal(carries, type === 'tokens', `an access token in a message: ${type}`)
        if (carries) assert(wanted, 'an access token that nobody has asked for')
      }
      assert(heard.some(({ type }) => type === 'tokens'))
      const counts = new Map<string, number>()
      for (const { type } of heard) counts.set(type, (counts.get(type) ?? 0) + 1)
      for (const [type, count] of counts) driver.measured(`messages, ${type}`, count)
    },
  }
}

export const leakScenarios: readonly Scenario[] = [silent('cookie'), silent('json')]
