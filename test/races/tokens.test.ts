import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Command, commands, fates, LIFETIME_MS, plans } from './plan.ts'
import { credentials, play, signedIn } from './play.ts'
import { runs } from './runs.ts'

const expired: Command[] = [{ do: 'pass', ms: LIFETIME_MS }]
const refused: Command[] = [{ do: 'forget' }]

describe.each(credentials)('with a refresh %s', (credential) => {
  test('F75: no request carries a token of another user or session, or goes bare, if it began in a session', async () => {
    const weights = {
      request: 8,
      getAccessToken: 2,
      login: 5,
      startSession: 3,
      restore: 2,
      logout: 2,
      abort: 2,
      forget: 4,
    }
    const plan = plans({ commands: commands({ ...weights, pass: 2, expire: 3 }), fates: fates() })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, async (scheduler, story) => {
        const stage = await play(scheduler, story, { credential, prelude: signedIn })
        stage.verdict('own token', 'sent twice')
      }),
      runs(300),
    )
  })

  test('F13, F37, F41: a refresh token is not presented by two at once, nor once its answer is known', async () => {
    const weights = {
      request: 6,
      getAccessToken: 2,
      pass: 4,
      expire: 4,
      forget: 4,
      wake: 1,
      online: 2,
      login: 1,
      logout: 1,
    }
    const plan = plans({ commands: commands(weights), fates: fates(['refresh', 'login', 'revoke']) })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, async (scheduler, story) => {
        const stage = await play(scheduler, story, { credential, prelude: signedIn })
        stage.verdict('one presentation')
      }),
      runs(300),
    )
  })

  test('F01, F02, F04: however many callers find the token expired or refused, one refresh serves all of them', async () => {
    const callers = commands({ plainRequest: 4, getAccessToken: 1, wake: 1 }, 8)
    const dead = fc.constantFrom(expired, refused, [...refused, ...expired])
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plans({ commands: callers }), dead, async (scheduler, story, before) => {
        // A getAccessToken that may be given a refused token would not ask for another.
        const all = [{ do: 'request' }, ...story.commands].filter(({ do: what }) => {
          return before !== refused || what !== 'getAccessToken'
        }) as Command[]
        const stage = await play(
          scheduler,
          { ...story, commands: all },
          { credential, prelude: [...signedIn, ...before] },
        )
        if (stage.asked.refresh !== 1)
          stage.judge.breach('one presentation', `${String(stage.asked.refresh)} refreshes`)
        for (const { name, outcome } of stage.callers.slice(1)) {
          if (outcome !== '200' && outcome !== 'ann@1.2')
            stage.judge.breach('own token', `${name} got ${String(outcome)}`)
        }
        stage.verdict('one presentation', 'sent twice', 'own token')
      }),
      runs(300),
    )
  })

  test('an API that refuses every token causes one refresh, and every request is sent at most twice', async () => {
    const plan = plans({ commands: commands({ plainRequest: 5, getAccessToken: 1 }) })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, async (scheduler, story) => {
        const stage = await play(scheduler, story, { credential, prelude: [...signedIn, { do: 'refuse', all: true }] })
        stage.verdict('sent twice')
        expect(stage.asked.refresh, stage.story.join('\n')).toBeLessThanOrEqual(1)
      }),
      runs(300),
    )
  })

  test('while the server is away it is asked at growing intervals, however many callers there are', async () => {
    const plan = plans({
      commands: commands({ plainRequest: 6, getAccessToken: 2, wake: 1 }, 16),
      fates: fc.constant({}),
    })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, async (scheduler, story) => {
        const away = { ...story, fates: { refresh: Array<'busy'>(50).fill('busy') } }
        const stage = await play(scheduler, away, { credential, prelude: [...signedIn, ...expired] })
        stage.verdict()
        // 1, 2, 4 ... s, each with up to half taken off, in the 155 s that pass in the end.
        expect(stage.asked.refresh, stage.story.join('\n')).toBeLessThanOrEqual(10)
      }),
      runs(300),
    )
  })
})
