import fc from 'fast-check'
import { describe, test } from 'vitest'
import { commands, fates, plans } from './plan.ts'
import { credentials, play, signedIn } from './play.ts'
import { runs } from './runs.ts'

const calls = { request: 16, getAccessToken: 4, login: 6, startSession: 2, restore: 4, logout: 5 }
const world = { abort: 6, pass: 6, expire: 4, forget: 4, refuse: 2, online: 2, wake: 2, dispose: 1 }

describe.each(credentials)('with a refresh %s', (credential) => {
  test('whatever happens in whatever order, every rule holds', async () => {
    const anything = plans({ commands: commands({ ...calls, ...world }, 20), fates: fates() })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), anything, async (scheduler, plan) => {
        const stage = await play(scheduler, plan, { credential, prelude: signedIn })
        stage.verdict()
      }),
      runs(300),
    )
  })
})
