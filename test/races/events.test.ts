import fc from 'fast-check'
import { describe, test } from 'vitest'
import { command, commands, fates, plans } from './plan.ts'
import { credentials, play, signedIn } from './play.ts'
import { runs } from './runs.ts'

const weights = { request: 5, getAccessToken: 2, login: 4, startSession: 2, restore: 2, logout: 3, abort: 1 }
const passing = { pass: 2, expire: 3, forget: 3 }

describe.each(credentials)('with a refresh %s', (credential) => {
  test('there is one event for each change, and the state that a listener reads shows it already', async () => {
    const plan = plans({ commands: commands({ ...weights, ...passing }), fates: fates() })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, fc.boolean(), async (scheduler, story, begun) => {
        const stage = await play(scheduler, story, { credential, prelude: begun ? signedIn : [] })
        stage.verdict('one event')
      }),
      runs(300),
    )
  })

  test('a listener may call any public method at any event', async () => {
    const plan = plans({ commands: commands({ ...weights, ...passing }), fates: fates() })
    const reaction = fc.record({ to: fc.integer({ min: 1, max: 12 }), command: command({ ...weights, dispose: 1 }) })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, reaction, async (scheduler, story, answer) => {
        const stage = await play(scheduler, story, { credential, prelude: signedIn, reaction: answer })
        stage.verdict()
      }),
      runs(300),
    )
  })

  test('F74: only a definitive refusal of its own refresh token ends a session, and no failure that passes does', async () => {
    const plan = plans({
      commands: commands({ ...weights, ...passing }),
      fates: fates(['login', 'refresh', 'restore']),
    })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, async (scheduler, story) => {
        const stage = await play(scheduler, story, { credential, prelude: signedIn })
        stage.verdict('true reason')
      }),
      runs(300),
    )
  })
})
