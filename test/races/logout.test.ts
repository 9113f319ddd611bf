import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commands, fates, plans } from './plan.ts'
import { credentials, play, signedIn } from './play.ts'
import { runs } from './runs.ts'

const aroundLogout = { request: 6, getAccessToken: 2, login: 3, restore: 2, logout: 4, abort: 1, pass: 2, forget: 3 }

describe.each(credentials)('with a refresh %s', (credential) => {
  test('F73, F80, F81: from the call of logout on nothing of an earlier session is sent, and nothing late signs in', async () => {
    const plan = plans({ commands: commands({ ...aroundLogout, expire: 2, startSession: 1 }), fates: fates() })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, async (scheduler, story) => {
        const stage = await play(scheduler, story, { credential, prelude: signedIn })
        stage.verdict('logout wins')
      }),
      runs(300),
    )
  })

  test('F73: once everything has settled, a logout that was confirmed has left no live credential behind', async () => {
    const plan = plans({
      commands: commands({ ...aroundLogout, startSession: 2, expire: 1 }),
      fates: fates(['login', 'refresh', 'restore'], ['busy', 'refused', 'unreachable']),
    })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, async (scheduler, story) => {
        const prompt = story.commands.filter((command) => command.do !== 'pass')
        const stage = await play(
          scheduler,
          { ...story, commands: [...prompt, { do: 'logout' }] },
          { credential, prelude: signedIn },
        )
        const { outcome } = stage.callers.at(-1)!
        if (outcome === 'unconfirmed') stage.judge.breach('logout wins', 'the logout was not confirmed')
        for (const left of stage.server.live()) stage.judge.breach('logout wins', `${left} is still good`)
        stage.verdict('logout wins')
      }),
      runs(300),
    )
  })

  test('F79: whatever becomes of the revocation, logout is done here at once and settles', async () => {
    const plan = plans({ commands: commands({ logout: 3, login: 2, request: 3, pass: 2 }), fates: fates(['revoke']) })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, async (scheduler, story) => {
        const stage = await play(scheduler, story, { credential, prelude: signedIn, finale: [{ do: 'logout' }] })
        stage.verdict('logout wins', 'settles')
        const reports = stage.callers.filter(({ kind }) => kind === 'logout').map(({ outcome }) => outcome)
        for (const report of reports) expect(report).toMatch(/^(confirmed|unconfirmed|not-configured)$/)
      }),
      runs(300),
    )
  })
})
