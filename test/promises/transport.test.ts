import { afterEach, describe, expect, test } from 'vitest'
import { fault } from 'tokenward/testing'
import { settle } from '../support/world.ts'
import { API, createScene, demo, openStage, type Scene, type Stage } from './stage.ts'

let stage: Stage | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

async function signedIn(options: Parameters<typeof createScene>[0] = {}): Promise<Scene> {
  const scene = createScene(options)
  await scene.tokens.login('ann')
  return scene
}

describe('what the network does is the caller’s', () => {
  test('a transport that throws instead of rejecting makes send reject, whether it carries a token or not', async () => {
    const exchange = {
      repeatable: true,
      send: (): Promise<never> => {
        throw new Error('synchronously')
      },
      answer: () => undefined,
    }
    const scene = createScene()
    const sends = [scene.tokens.send({ url: `${API}/x` }, exchange)]
    await scene.tokens.login('ann')
    sends.push(scene.tokens.send({ url: `${API}/x` }, exchange))
    sends.push(scene.tokens.send({ url: 'https://elsewhere.example/' }, exchange))
    for (const sent of sends) await expect(sent).rejects.toThrow('synchronously')
  })

  test('F118: the calls of the source carry no access token', async () => {
    stage = await openStage({ auth: { accessTokenMs: 300_000 } })
    await stage.tokens.login(demo)
    await stage.world.pass(301_000)
    await stage.get('/me')
    await stage.tokens.logout()
    expect(stage.backend.auth.log.map(({ endpoint, headers }) => [endpoint, headers['authorization']])).toEqual([
      ['login', undefined],
      ['refresh', undefined],
      ['logout', undefined],
    ])
  })

  test('F59 F96: nothing is sent again, and nothing refreshed, after a network failure', async () => {
    stage = await openStage({ auth: { accessTokenMs: 300_000 } })
    await stage.tokens.login(demo)
    for (const what of [fault.dropped(), fault.cutAnswer()]) {
      stage.backend.api.faults.next('/orders', what)
      await expect(stage.get('/orders', {}, { method: 'POST' }).then((response) => response.text())).rejects.toThrow()
    }
    expect(stage.backend.api.log).toHaveLength(2)
    expect(stage.count('refresh')).toBe(0)
    expect(stage.tokens.getState().status).toBe('active')
  })

  test('F59: nor where the token expires while the request flies', async () => {
    const scene = await signedIn({
      decide: async () => {
        await settle()
        scene.world.jump(400_000)
        throw new TypeError('Failed to fetch')
      },
    })
    await expect(scene.send()).rejects.toThrow('Failed to fetch')
    expect(scene.seen).toHaveLength(1)
    expect(scene.refreshes()).toBe(0)
  })

  test('F98: what the transport throws reaches the caller as it came', async () => {
    for (const thrown of [
      new Error('odd'),
      undefined,
      null,
      'text',
      { response: undefined },
      Object.create(null),
    ] as unknown[]) {
      const decide = (): never => {
        throw thrown
      }
      const scene = await signedIn({ decide })
      const caught = await scene.send().then(
        () => [],
        (reason: unknown) => [reason],
      )
      expect(caught).toHaveLength(1)
      expect(caught[0]).toBe(thrown)
    }
  })

  test.each([200, 204, 301, 400, 404, 409, 418, 429, 500, 503])('%i is no reason to refresh', async (status) => {
    const scene = await signedIn({ decide: () => status })
    expect(await scene.send()).toMatchObject({ status })
    expect(scene.seen).toHaveLength(1)
    expect(scene.refreshes()).toBe(0)
  })
})
