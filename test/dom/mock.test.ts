import axios from 'axios'
import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { createTokenManager, jsonSource } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { createClock, toHandlers } from 'tokenward/testing'
import { afterEach, expect, test } from 'vitest'
import { api, story } from '../testing/servers/recording.ts'

const clock = createClock()
const mock = toHandlers(story, { http, HttpResponse }, { clock })
const server = setupServer(...mock.handlers)
afterEach(() => server.close())

test('an application in jsdom signs in, has its token refreshed, and is refused what it may not see, by a recording', async () => {
  server.listen({ onUnhandledRequest: 'error' })
  const tokens = createTokenManager<{ email: string; password: string }>({
    source: jsonSource({ login: `${api}/login`, refresh: `${api}/refresh`, logout: `${api}/logout` }),
    resources: [api],
    timing: { background: false },
    ports: clock.ports,
  })
  const instance = axios.create({ baseURL: api, adapter: 'xhr' })
  const unbind = bindAxios(instance, tokens)
  await clock.during(tokens.login({ email: 'ann@example.com', password: 'x' }))
  expect((await instance.get('/me')).data).toEqual({ name: 'Ann' })
  await clock.advance(61_000)
  let open = true
  const calls = Promise.all([instance.get('/me'), instance.get('/orders?page=2'), instance.get('/me')]).finally(
    () => void (open = false),
  )
  // In small steps: XMLHttpRequest takes real time, and no timeout of this clock may be over before it.
  while (open) {
    await clock.advance(10)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const answers = await calls
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(mock.count('refreshed')).toBe(1)
  await expect(instance.get('/admin')).rejects.toMatchObject({
    code: 'ERR_TOKEN',
    cause: { code: 'insufficient_scope' },
  })
  unbind()
  tokens.dispose()
})
