import axios from 'axios'
import { createMockServer, createRecorder, replay } from 'tokenward/testing'
import { expect, test } from 'vitest'

test('an application whose session is an HttpOnly cookie of its own origin: the recording tells of it, and the mock enforces one', async () => {
  const recorder = createRecorder()
  // As XMLHttpRequest shows it to a script: no Cookie, no Set-Cookie.
  const instance = axios.create({
    adapter: async (config) => ({ status: 200, statusText: 'OK', headers: {}, config, data: '{"ok":true}' }),
  })
  recorder.attach(instance)
  await instance.post('/session', { email: 'ann@example.com', password: 'correct horse battery' })
  await instance.get('/orders')
  await instance.get('https://elsewhere.example/news')
  await recorder.settled()
  const har = recorder.toHar()
  expect(har.log.entries.map(({ _credentials }) => _credentials)).toEqual([true, true, undefined])
  const mock = await createMockServer(har)
  try {
    expect((await fetch(`${mock.origin}/orders`)).status).toBe(401)
    expect((await fetch(`${mock.origins['https://elsewhere.example']}/news`)).status).toBe(200)
    const { text } = await replay(har, {
      ...{ baseUrl: mock.origins, secrets: { password_p1_1: 'x' } },
      tokens: { token: async () => undefined },
    })
    expect(text).toContain('3 exchanges: 3 as recorded')
  } finally {
    await mock.close()
  }
})
