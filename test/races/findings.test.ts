import { expect, test } from 'vitest'
import type { Fates, Command } from './plan.ts'
import { createStage, type Credential, settle, signedIn, type Stage } from './play.ts'

/** A stage on which an answer arrives when the test says so. */
async function createScene(
  credential: Credential,
  fates: Fates = {},
): Promise<Stage & { arrive(what: string): Promise<void>; all(...commands: Command[]): Promise<void> }> {
  const waiting: { what: string; resolve: () => void }[] = []
  const stage = createStage(
    { commands: [], fates, paces: [], heedsAbort: false, lifetimeMs: 300_000 },
    {
      credential,
      carry: async (what) => {
        if (what.endsWith('is answered')) await new Promise<void>((resolve) => waiting.push({ what, resolve }))
      },
    },
  )
  const scene = {
    ...stage,
    async arrive(what: string) {
      const index = waiting.findIndex((one) => one.what === `${what} is answered`)
      if (index === -1)
        throw new Error(`no ${what} waits for its answer, but: ${waiting.map((one) => one.what).join()}`)
      waiting.splice(index, 1)[0]!.resolve()
      await settle()
    },
    async all(...commands: Command[]) {
      for (const command of commands) {
        await stage.run(command)
        await settle()
      }
    },
  }
  await scene.all(...signedIn)
  return scene
}

test('a cookie call is not begun before the one ahead of it has had its whole time, however long that one waited', async () => {
  const scene = await createScene('cookie', { login: ['unanswered', 'unanswered'] })
  await scene.all({ do: 'login', as: 'bob' }, { do: 'pass', ms: 15_000 }, { do: 'login', as: 'ann' })
  await scene.all({ do: 'pass', ms: 5_000 }, { do: 'logout' }, { do: 'pass', ms: 15_000 })
  scene.verdict('one presentation')
})

test('two cookie calls that wait for a lost one are not begun in the same moment', async () => {
  const scene = await createScene('cookie', { login: ['unanswered'] })
  await scene.all({ do: 'login', as: 'bob' }, { do: 'logout' }, { do: 'login', as: 'ann' }, { do: 'pass', ms: 20_000 })
  scene.verdict('one presentation')
})

test('F73: a login that was given up, and could not be revoked, does not lend its cookie to the session that is here', async () => {
  const scene = await createScene('cookie', { revoke: ['unreachable'] })
  await scene.all({ do: 'login', as: 'bob' }, { do: 'abort', which: 0 })
  await scene.arrive('login')
  await scene.all({ do: 'getAccessToken', minTtlMs: 900_000 }, { do: 'pass', ms: 200_000 })
  await scene.all({ do: 'getAccessToken', minTtlMs: 900_000 })
  // If one was sent at all: where the session has ended, none was.
  await scene.arrive('refresh').catch(() => {})
  scene.verdict('own token')
})

test('a login that was overtaken by another does not have the cookie of that one revoked', async () => {
  const scene = await createScene('cookie')
  await scene.all({ do: 'login', as: 'bob' }, { do: 'login', as: 'ann' })
  await scene.arrive('login')
  await scene.arrive('revoke')
  await scene.arrive('login')
  await scene.all({ do: 'pass', ms: 1 })
  scene.verdict()
  expect(scene.tokens.getState().status).toBe('active')
  expect(scene.server.live()).toHaveLength(1)
})

test('a refresh that waits for its turn is not sent after dispose', async () => {
  const scene = await createScene('cookie')
  await scene.all({ do: 'login', as: 'bob' }, { do: 'getAccessToken', minTtlMs: 900_000 }, { do: 'pass', ms: 1 })
  await scene.all({ do: 'forget' }, { do: 'request' })
  await scene.arrive('request 6')
  await scene.all({ do: 'dispose' })
  await scene.arrive('login')
  await scene.arrive('revoke')
  scene.verdict('quiet')
})

test('a refresh that was to begin in the task of dispose is not sent', async () => {
  const scene = await createScene('token')
  await scene.all({ do: 'pass', ms: 300_000 })
  void scene.run({ do: 'getAccessToken' })
  await scene.all({ do: 'dispose' })
  scene.verdict('quiet')
})

test('a restore that one login after another overtakes settles in time', async () => {
  const scene = await createScene('cookie', { revoke: ['unanswered'], login: ['unanswered', 'unanswered'] })
  await scene.all({ do: 'logout' })
  await scene.all({ do: 'restore', ask: true }, { do: 'pass', ms: 15_000 }, { do: 'login', as: 'bob' })
  await scene.all({ do: 'pass', ms: 35_000 })
  scene.verdict('settles')
})

test('a request that waits for a restore which one login after another overtakes settles in time', async () => {
  const scene = await createScene('cookie', { revoke: ['unanswered'], login: ['unanswered', 'unanswered'] })
  await scene.all({ do: 'logout' })
  await scene.all({ do: 'restore', ask: true }, { do: 'request' }, { do: 'pass', ms: 15_000 })
  await scene.all({ do: 'login', as: 'bob' }, { do: 'pass', ms: 15_000 }, { do: 'login', as: 'ann' })
  await scene.all({ do: 'pass', ms: 60_000 })
  scene.verdict('settles')
})

test('a definitive refusal that comes after its deadline ends the session, and the token is not presented again', async () => {
  const scene = await createScene('token', { refresh: ['refused'] })
  await scene.all({ do: 'pass', ms: 300_000 }, { do: 'getAccessToken' }, { do: 'pass', ms: 10_000 })
  await scene.arrive('refresh')
  await scene.all({ do: 'pass', ms: 5_000 })
  expect(scene.tokens.getState()).toMatchObject({ status: 'signed-out' })
  expect(scene.asked.refresh, scene.story.join('\n')).toBe(1)
})
