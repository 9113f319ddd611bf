import { createAuthServer, createClock, toHandlers, type HandlerInfo } from 'tokenward/testing'
import { expect, test } from 'vitest'
import { api, story } from '../testing/servers/recording.ts'

type Resolver = (info: HandlerInfo) => Promise<Response | undefined>

test('the mock enforces the bearer in a browser as it does in Node', async () => {
  const clock = createClock()
  const http = { all: (path: string, resolver: Resolver) => ({ path, resolver }) }
  const mock = toHandlers(story, { http, HttpResponse: Response }, { clock })
  const [own] = mock.handlers
  expect(own?.path).toBe(`${api}/*`)
  const ask = async (path: string, token?: string, body?: object): Promise<Response | undefined> =>
    own?.resolver({
      request: new Request(api + path, {
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
        headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
      }),
    })
  expect((await ask('/me'))?.status).toBe(401)
  const login = await ask('/login', undefined, { email: 'ann@example.com', password: 'x' })
  const { access_token } = (await login?.json()) as { access_token: string }
  expect((await ask('/me', access_token))?.status).toBe(200)
  expect((await ask('/me', `${access_token}x`))?.status).toBe(401)
  clock.jump(60_000)
  expect((await ask('/me', access_token))?.status).toBe(401)
  expect(await ask('/nothing')).toBeUndefined()
  expect(mock.log.map(({ outcome }) => outcome)).toEqual([
    'no_token',
    'signed-in',
    'answered',
    'invalid_token',
    'invalid_token',
    'not_recorded',
  ])
})

test('a server says in a browser what to take instead', async () => {
  await expect(createAuthServer()).rejects.toThrow(/toHandlers/)
})
