import { gzipSync } from 'node:zlib'
import { fromHar, type Har, type HarEntry } from 'tokenward/testing'
import { describe, expect, test } from 'vitest'
import { entryOf, type Sketch } from '../entry.ts'
import { problemsOfHar } from '../har-validator.ts'
import { story } from '../servers/recording.ts'
import { valueOf } from '../scan/sets/values.ts'

const [opaque, jwt] = [valueOf('opaque', 'import'), valueOf('jwt', 'import')]
const api = 'https://api.example.com'

function browser(...sketches: (Sketch & { readonly type?: string })[]): object {
  const entries = sketches.map(({ type, ...sketch }, index) => ({
    ...entryOf({ atMs: index, ...sketch }),
    ...(type && { _resourceType: type }),
    _initiator: { stack: { url: `${api}/app.js?token=${opaque}` } },
  }))
  return { log: { version: '1.2', creator: { name: 'WebInspector', version: '537.36' }, pages: [], entries } }
}
const entry = (har: Har, index: number): HarEntry => har.log.entries[index]!

describe('fromHar', () => {
  const login = {
    method: 'POST',
    url: `${api}/auth/login`,
    body: { email: 'ann@example.com', password: 'correct horse' },
    answer: { accessToken: jwt, refreshToken: opaque, expiresIn: 60 },
  }

  test('takes the tokens out, and tells who signed in, and which token came from where', () => {
    const other = valueOf('opaque', 'next')
    const har = fromHar(
      browser(
        login,
        { url: `${api}/orders`, headers: { ':authority': 'api.example.com', authorization: `Bearer ${jwt}` } },
        {
          method: 'POST',
          url: `${api}/auth/refresh`,
          body: { refreshToken: opaque },
          answer: { accessToken: other, refreshToken: valueOf('opaque', 'r2'), expiresIn: 60 },
        },
      ),
    )
    const text = JSON.stringify(har)
    for (const secret of [jwt, opaque, other, 'correct horse']) expect(text).not.toContain(secret)
    expect(har.log.entries.map(({ _exchange }) => _exchange)).toEqual(['login', undefined, 'refresh'])
    expect(entry(har, 1).request.headers).toEqual([{ name: 'authorization', value: 'Bearer {{access_p1_1}}' }])
    expect(har.log._tokens).toMatchObject([
      { id: 'password_p1_1' },
      { id: 'access_p1_1', issuedBy: 0, format: 'jwt', claims: { aud: api } },
      { id: 'refresh_p1_1', issuedBy: 0 },
      { id: 'access_p1_2', issuedBy: 2, refreshedFrom: 'access_p1_1' },
      { id: 'refresh_p1_2', refreshedFrom: 'refresh_p1_1' },
    ])
  })

  test('leaves out what a page consists of, unless it is asked for, and what never went over HTTP', () => {
    const page = browser(
      { url: `${api}/`, type: 'document', answered: { 'content-type': 'text/html' } },
      { url: `${api}/app.css`, answered: { 'content-type': 'text/css' } },
      { url: 'data:text/plain,x', type: 'fetch' },
      { url: `${api}/orders`, type: 'fetch' },
      { url: `${api}/late`, type: 'fetch', status: 0 },
    )
    const urls = (har: Har): string[] => har.log.entries.map(({ request }) => request.url)
    expect(urls(fromHar(page))).toEqual([`${api}/orders`])
    expect(urls(fromHar(page, { assets: true }))).toEqual([`${api}/`, `${api}/app.css`, `${api}/orders`])
    expect(urls(fromHar(page, { assets: true, include: [/css$/] }))).toEqual([`${api}/app.css`])
  })

  test('a token that only the scanner sees goes as well', () => {
    const har = fromHar(browser({ url: `${api}/feed?token=${opaque}` }))
    expect(entry(har, 0).request.url).toMatch(/token=%7B%7B\w+_p1_1%7D%7D$/)
    expect(JSON.stringify(har)).not.toContain(opaque)
  })

  test('what was sanitized before keeps what is known of its placeholders', () => {
    const sanitized = browser({ url: `${api}/orders`, headers: { authorization: 'Bearer {{access_p1_1}}' } }) as {
      log: { _tokens?: unknown }
    }
    sanitized.log._tokens = [
      {
        ...{ id: 'access_p1_1', kind: 'access', principal: 'p1', claims: { aud: api, ttl: 300 }, format: 'jwt' },
        ...{ alg: 'RS256', issuedBy: null, refreshedFrom: null },
      },
    ]
    const har = fromHar(sanitized)
    expect(har.log._tokens).toMatchObject([{ claims: { aud: api, ttl: 300 }, format: 'jwt', alg: 'RS256' }])
    expect(entry(har, 0)).toMatchObject({ _principal: 'p1' })
  })

  test.each<[string, Uint8Array, string?]>([
    ['UTF-8', Buffer.from(`{"sessionKey":"${opaque}","a":"\u00e9"}`)],
    ['spelled in escapes', Buffer.from(`{"sessionKey":"${opaque}","a":"${opaque.replaceAll('a', '\\u0061')}"}`)],
    ['Latin-1', Buffer.from(`{"sessionKey":"${opaque}","a":"\u00e9"}`, 'latin1')],
    ['UTF-16', Buffer.from(`\ufeff{"sessionKey":"${opaque}"}`, 'utf16le')],
    ['UTF-16, the greater byte first', Buffer.from(`\ufeff{"sessionKey":"${opaque}"}`, 'utf16le').swap16()],
    ['in lines', Buffer.from(`{"sessionKey":"${opaque}"}`), '\n'],
  ])('a text that is written as base64 is read as one: %s', (_, bytes, end = '') => {
    const foreign = entryOf()
    const text = Buffer.from(bytes).toString('base64').replaceAll(/.{20}/g, `$&${end}`)
    const content = { size: 1, mimeType: 'application/json', text, encoding: end ? 'BASE64' : 'base64' }
    const har = fromHar({ log: { entries: [{ ...foreign, response: { ...foreign.response, content } }] } })
    const { content: taken } = entry(har, 0).response
    expect(JSON.parse(taken.text ?? '')).toMatchObject({ sessionKey: '{{secret_p1_1}}' })
    expect(taken).not.toHaveProperty('encoding')
    expect(JSON.stringify(har).replaceAll('\\u0061', 'a')).not.toContain(opaque)
  })

  test.each(['application/pdf;charset=UTF-8', 'application/pdf;charset=ISO-8859-1', 'application/zip; charset=binary'])(
    'bytes stay bytes, though their type has a charset: %s',
    (mimeType) => {
      const foreign = entryOf()
      const text = Buffer.from('%PDF-1.4\n%\u00e2\u00e3\u00cf\u00d3\n\0\u0001\u00ff\u0090', 'latin1').toString('base64')
      const content = { size: 1, mimeType, text, encoding: 'base64' }
      const har = fromHar({ log: { entries: [{ ...foreign, response: { ...foreign.response, content } }] } })
      expect(entry(har, 0).response.content).toEqual(content)
    },
  )

  test('what is packed is left out: nobody could look for a token in it', () => {
    const foreign = entryOf()
    const text = gzipSync(`{"accessToken":"${opaque}"}`).toString('base64')
    const content = { size: 1, mimeType: 'application/gzip', text, encoding: 'base64' }
    const har = fromHar({ log: { entries: [{ ...foreign, response: { ...foreign.response, content } }] } })
    expect(entry(har, 0).response.content).toEqual({ size: 1, mimeType: 'application/gzip', _omitted: 'secret' })
  })

  test('one of ours is given back as it is, and refused if somebody has put a token into it', () => {
    expect(fromHar(story).log.entries).toEqual(story.log.entries)
    const text = JSON.stringify(story).replace('Bearer {{access_p1_1}}', `Bearer ${opaque}`)
    expect(() => fromHar(JSON.parse(text) as object)).toThrow(
      'entry 1 (GET https://api.example.com/me): a secret (access) stands where a placeholder should.',
    )
    const words = JSON.stringify(story)
      .replace('Bearer {{access_p1_1}}', 'Bearer correct-horse-battery')
      .replaceAll(`${api}/me`, `${api}/of/correct-horse-battery`)
    expect(() => fromHar(JSON.parse(words) as object)).toThrow('entry 1: a secret (access) stands')
  })
})

test('what comes in is HAR by its schema', async () => {
  const page = browser({ method: 'POST', body: new URLSearchParams({ a: 'b' }) }, { type: 'document' })
  expect(await problemsOfHar(fromHar(page, { assets: true }))).toEqual([])
})
