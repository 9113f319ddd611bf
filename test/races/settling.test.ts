import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Command, commands, fates, LIFETIME_MS, type Plan, plans } from './plan.ts'
import { createStage, credentials, type Credential, play, settle, signedIn, type Stage } from './play.ts'
import { runs } from './runs.ts'

const calls = { request: 6, getAccessToken: 2, login: 3, restore: 3, logout: 2 }

describe.each(credentials)('with a refresh %s', (credential) => {
  test('F08, F11, F12: every promise settles in time, although any answer of the server may never come', async () => {
    const silent = fates(['login', 'refresh', 'restore', 'revoke'], ['unheard', 'unanswered', 'lost', 'unreachable'])
    const plan = plans({ commands: commands({ ...calls, abort: 1, pass: 3, expire: 3, forget: 2 }), fates: silent })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, fc.boolean(), async (scheduler, story, begun) => {
        const stage = await play(scheduler, story, { credential, prelude: begun ? signedIn : [] })
        stage.verdict('settles')
      }),
      runs(300),
    )
  })

  test('after dispose every caller has settled, no timer and no listener is left, and nothing was left unhandled', async () => {
    const world = { abort: 2, pass: 2, expire: 2, forget: 2, wake: 1, online: 1, dispose: 2 }
    const plan = plans({ commands: commands({ ...calls, ...world }), fates: fates() })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, fc.boolean(), async (scheduler, story, begun) => {
        const stage = await play(scheduler, story, { credential, prelude: begun ? signedIn : [] })
        stage.verdict('quiet')
      }),
      runs(300),
    )
  })

  test('F10: an abort settles its caller in the same task, and changes the outcome of no other caller', async () => {
    const waiting = fc.array(
      fc.tuple(fc.nat(4), fc.constantFrom<Command[]>([{ do: 'request' }], [{ do: 'getAccessToken' }])),
      {
        minLength: 2,
        maxLength: 6,
      },
    )
    await fc.assert(
      fc.asyncProperty(
        plans({ commands: fc.constant([]), fates: fates(['refresh', 'restore'], ['busy', 'refused', 'unanswered']) }),
        waiting,
        fc.record({ after: fc.nat(12), which: fc.nat(5) }),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 6 }),
        async (plan, callers, abort, restoring, latencies) => {
          const commands = callers.flatMap(([waits, command]) => [
            ...Array<Command>(waits).fill({ do: 'pass', ms: 1 }),
            ...command,
          ])
          const first: Command[] = restoring && credential === 'cookie' ? [{ do: 'restore', ask: true }] : []
          const before = [...first, ...commands.slice(0, abort.after)]
          const story = (during: Command): Plan => ({
            ...plan,
            commands: [...before, during, ...commands.slice(abort.after)],
          })
          const aborted = await playInTime(
            story({ do: 'abort', which: abort.which }),
            credential,
            latencies,
            first.length > 0,
          )
          const whole = await playInTime(story({ do: 'pass', ms: 0 }), credential, latencies, first.length > 0)
          aborted.verdict('settles')
          const outcomes = (stage: Stage): string[] =>
            stage.callers
              .filter((_, index) => !aborted.callers[index]!.controller.signal.aborted)
              .map(({ name, outcome }) => `${name}: ${String(outcome)}`)
          const both = ['with the abort:', ...aborted.story, 'without:', ...whole.story].join('\n')
          expect(outcomes(aborted), both).toEqual(outcomes(whole))
          expect(aborted.asked.refresh, both).toBe(whole.asked.refresh)
        },
      ),
      runs(300),
    )
  })
})

/** Plays `plan` with answers that take as long as `latencies` say, so that two runs differ in nothing but the plan. */
async function playInTime(
  plan: Plan,
  credential: Credential,
  latencies: readonly number[],
  restoring: boolean,
): Promise<Stage> {
  const stage: Stage = createStage(plan, {
    credential,
    // By name, so that one leg that is missing does not move the others.
    carry: (what) =>
      new Promise<void>((resolve) => {
        const number = Buffer.from(what).reduce((sum, byte) => sum + byte, 0)
        stage.world.ports.timer(resolve, latencies[number % latencies.length] ?? 1)
      }),
  })
  if (restoring) stage.server.grant('ann@0')
  else {
    await stage.run({ do: 'startSession', as: 'ann', refreshable: true })
    await stage.run({ do: 'pass', ms: LIFETIME_MS })
  }
  for (const command of plan.commands) {
    await stage.run(command)
    await settle()
  }
  for (let i = 0; i < 5; i++) await stage.world.pass(31_000)
  return stage
}
