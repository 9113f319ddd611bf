import fc from 'fast-check'
import { fromHar, sanitize, scan, type Har, type HarEntry, type SanitizeOptions } from 'tokenward/testing'
import { describe, expect, test } from 'vitest'
import { entryOf } from '../entry.ts'
import { readLeaks } from './sets/leaks.ts'
import { valueOf } from './sets/values.ts'

async function sanitized(text: string, options: SanitizeOptions = {}): Promise<string> {
  let out = ''
  for await (const piece of sanitize(() => text, options)) out += piece
  return out
}

const opaque = valueOf('opaque', 'one')

describe('sanitize', () => {
  test('nothing that scan finds is left in any document of the labelled sets', async () => {
    for (const { text, file } of readLeaks()) {
      const { findings } = await scan(await sanitized(text, { file }), { file })
      expect(
        findings.filter(({ rule }) => rule.startsWith('L')),
        file,
      ).toEqual([])
    }
  })

  test('what is no secret stays as it is, to the letter', async () => {
    for (const { text, file, labels } of readLeaks()) {
      const lines = (await sanitized(text, { file })).split('\n')
      // In a HAR cookies go as well, and lines of a mail may be unfolded.
      if (/\.(?:har|eml)$/.test(file)) continue
      for (const [index, line] of text.split('\n').entries()) {
        if (labels.some((label) => label.line === index + 1 && label.rules.length > 0)) continue
        expect(lines[index], `${file}:${index + 1}`).toBe(line)
      }
    }
  })

  test('the same token gets the same placeholder, which tells kind, principal and ordinal', async () => {
    const alice = valueOf('jwt', 'alice')
    const bob = valueOf('jwt', 'bob')
    const text = `token=${alice}\ntoken=${bob}\ntoken=${alice}\nrefresh_token=${opaque}\n`
    expect(await sanitized(text)).toBe(
      'token={{access_p1_1}}\ntoken={{access_p2_1}}\ntoken={{access_p1_1}}\nrefresh_token={{refresh_p1_1}}\n',
    )
  })

  test('a HAR stays JSON, and tells of each placeholder what it was for, without the subject', async () => {
    const { text, file } = readLeaks().find((document) => document.file === 'chrome.har')!
    const out = await sanitized(text, { file })
    const { log } = JSON.parse(out)
    expect(log.entries).toHaveLength(JSON.parse(text).log.entries.length)
    expect(log.entries[0].request.headers[2]).toEqual({ name: 'authorization', value: 'Bearer {{access_p1_1}}' })
    expect(log.entries[4].request.url).toBe(
      `https://api.example.com/v1/events?access_token=%7B%7B${log.entries[4].request.queryString[0].value.slice(2, -2)}%7D%7D&since=0`,
    )
    expect(log._tokens[0]).toEqual({
      id: 'access_p1_1',
      kind: 'access',
      principal: 'p1',
      claims: { aud: 'https://api.example.com', ttl: 30 * 86_400 + 60 },
      issuedBy: null,
      refreshedFrom: null,
      format: 'jwt',
      alg: 'RS256',
    })
    expect(out).not.toContain('canary')
  })

  test('in a HAR whatever stands in Authorization or in a cookie goes, and copies of it elsewhere', async () => {
    const pair = (name: string, value: string): object => ({ name, value })
    const har = {
      log: {
        version: '1.2',
        creator: { name: 'x', version: '1' },
        entries: [
          {
            startedDateTime: '2026-11-24T08:00:00Z',
            request: {
              method: 'GET',
              url: 'https://a.example/',
              headers: [
                pair('Authorization', 'Basic Y2FuYXJ5OnNlY3JldA=='),
                pair('Cookie', 'lang=en; sid=canary-session-1'),
              ],
              cookies: [pair('lang', 'en'), pair('sid', 'canary-session-1')],
            },
            response: {
              status: 200,
              headers: [pair('set-cookie', 'sid=canary-session-2; HttpOnly; Secure')],
              cookies: [],
              content: { mimeType: 'application/json', text: '{"echo":"canary-session-1","lang":"en"}' },
            },
          },
        ],
      },
    }
    const out = await sanitized(JSON.stringify(har))
    expect(out).not.toContain('canary')
    expect(out).not.toContain('Y2FuYXJ5')
    const [{ request, response }] = JSON.parse(out).log.entries
    expect(request.headers[0].value).toBe('Basic {{secret_p1_1}}')
    expect(request.cookies[0].value).toMatch(/^\{\{cookie_p1_\d\}\}$/)
    expect(response.headers[0].value).toMatch(/^sid=\{\{cookie_p1_\d\}\}; HttpOnly; Secure$/)
    // A short value, as of a language, is replaced in the cookie only.
    expect(response.content.text).toMatch(/"lang":"en"/)
  })

  test('in a HAR a cookie of a word is replaced where it stands, whatever it is called, and who may read it', async () => {
    const entries = [
      entryOf({ headers: { cookie: 'logged_in=yes' }, answered: { 'set-cookie': 'lang=en; HttpOnly' } }),
      entryOf({ answer: { lang: 'en', vegan: 'yes' } }),
    ]
    const { log } = JSON.parse(await sanitized(JSON.stringify({ log: { entries } }))) as Har
    expect(log.entries[0]?.request.headers[0]?.value).toMatch(/^logged_in=\{\{cookie_p1_\d\}\}$/)
    expect(log.entries[0]?.response.headers[0]?.value).toMatch(/^lang=\{\{cookie_p1_\d\}\}; HttpOnly$/)
    expect(log.entries[1]?.response.content.text).toBe('{"lang":"en","vegan":"yes"}')
  })

  test('in a HAR a cookie is replaced as a whole, and not its letters in what stands beside it', async () => {
    const cookie = 'lang=en; country=england; en_GB=1; currency=EUR'
    const entry = entryOf({ headers: { cookie }, answered: { 'set-cookie': 'a=b\nlang=en; Path=/en' } })
    const { log } = JSON.parse(await sanitized(JSON.stringify({ log: { entries: [entry] } }))) as Har
    const plain = (text = ''): string => text.replaceAll(/\{\{cookie_p1_\d\}\}/g, '*')
    expect(plain(log.entries[0]?.request.headers[0]?.value)).toBe('lang=*; country=*; en_GB=*; currency=*')
    expect(plain(log.entries[0]?.response.headers[0]?.value)).toBe('a=*\nlang=*; Path=/en')
  })

  test('a body that is written as base64 is read, and written as base64 again', async () => {
    const body = `{"access_token":"${opaque}"}`
    const entry = {
      request: { method: 'POST', url: 'https://id.example/token', headers: [] },
      response: {
        status: 200,
        headers: [],
        content: { mimeType: 'application/json', text: Buffer.from(body).toString('base64'), encoding: 'base64' },
      },
    }
    const text = JSON.stringify({ log: { entries: [entry] } })
    expect((await scan(text)).findings.map(({ rule }) => rule)).toEqual(['L8', 'L6'])
    const out = JSON.parse(await sanitized(text))
    const written = Buffer.from(out.log.entries[0].response.content.text, 'base64').toString()
    expect(written).toBe('{"access_token":"{{access_p1_1}}"}')
  })

  test('in a HAR what is known of one place goes everywhere, however it is spelled', async () => {
    const spellings: readonly ((token: string) => string)[] = [
      (token) => Buffer.from(`a:${token}`).toString('base64'),
      (token) => Buffer.from(token).toString('hex'),
      (token) => Buffer.from(token).toString('hex').replaceAll(/../g, '%$&'),
      (token) => Array.from(token, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).join(''),
      (token) => Array.from(token, (letter) => `&#${letter.charCodeAt(0)};`).join(''),
      (token) => token.toLowerCase(),
    ]
    const echoes = spellings.map((spell) => spell(opaque))
    const echoing = {
      ...entryOf({
        url: `https://a.example/${echoes[0]}/b`,
        answered: { link: `<?q=${echoes[2]}>` },
        answer: { echoes },
      }),
      _webSocketMessages: echoes.map((data) => ({ type: 'send', data })),
    }
    const bytes = Buffer.concat([Buffer.from([0xff, 0x80]), Buffer.from(opaque), Buffer.from([0xff])])
    const binary = entryOf()
    Object.assign(binary.response.content, {
      mimeType: 'image/png',
      text: bytes.toString('base64'),
      encoding: 'base64',
    })
    const entries = [echoing, binary, entryOf({ headers: { authorization: `Bearer ${opaque}` } })]
    const out = await sanitized(JSON.stringify({ log: { pages: [{ title: echoes[2] }], entries } }))
    const { log } = JSON.parse(out) as Har & { log: { pages: { title: string }[] } }
    for (const echo of [opaque, ...echoes]) expect(out).not.toContain(JSON.stringify(echo).slice(1, -1))
    expect(log.pages[0]?.title).toBe('{{access_p1_1}}')
    expect(JSON.parse(log.entries[0]?.response.content.text ?? '')).toEqual({
      echoes: [
        expect.stringMatching(/^\{\{encoded_p1_\d\}\}$/),
        expect.stringMatching(/^\{\{encoded_p1_\d\}\}$/),
        ...Array.from({ length: 4 }, () => '{{access_p1_1}}'),
      ],
    })
    expect(log.entries[1]?.response.content.text).toBe('')
    expect(log._tokens).toContainEqual(
      expect.objectContaining({ kind: 'encoded', template: 'a:{{access_p1_1}}', encoding: 'base64' }),
    )
  })

  test('in a HAR secrets are known by their names and places, as a recorder knows them', async () => {
    const entries = [
      entryOf({ url: 'https://ann:correct%20horse@a.example/', headers: { 'x-functions-key': opaque } }),
      entryOf({ method: 'POST', body: { otp: '492817' }, answered: { 'set-cookie': 'a=b\nsid=k3jd82hq; HttpOnly' } }),
      entryOf({ headers: { authorization: `Basic ${btoa('ann:a long password')}` }, answer: 'so: a long password' }),
    ]
    const out = await sanitized(JSON.stringify({ log: { entries } }))
    for (const secret of ['horse', opaque, '492817', 'k3jd82hq', 'a long password']) expect(out).not.toContain(secret)
  })

  test.each(['POST', 'HTTP/1.1', '1.2', 'base64'])(
    'a HAR stays one: somebody has the password %s',
    async (password) => {
      const image = { size: 1, mimeType: 'image/png', text: 'iVBORw0KGgo=', encoding: 'base64' }
      const login = entryOf({ method: 'POST', body: { password } })
      const { response, ...page } = entryOf()
      const log = {
        version: '1.2',
        creator: { name: '', version: '' },
        entries: [login, { ...page, response: { ...response, content: image } }],
      }
      const out = JSON.parse(await sanitized(JSON.stringify({ log }))) as Har
      expect(out.log.entries[0]?.request.postData?.text).toBe('{"password":"{{password_p1_1}}"}')
      expect(out.log).toMatchObject({
        version: '1.2',
        entries: [{ request: { method: 'POST', httpVersion: 'HTTP/1.1' } }, { response: { content: image } }],
      })
    },
  )

  test('no secret of a HAR survives in any of its places, in whatever spelling, in fromHar neither', async () => {
    const spellings: readonly ((text: string) => string)[] = [
      (text) => text,
      (text) => Buffer.from(`{"a":"${text}"}`).toString('base64url'),
      (text) => Buffer.from(text).toString('hex').toUpperCase(),
      (text) => Buffer.from(text).toString('hex').replaceAll(/../g, '%25$&'),
      (text) => JSON.stringify({ a: JSON.stringify({ text }) }),
      (text) => Array.from(text, (letter) => `&#x${letter.charCodeAt(0).toString(16)};`).join(''),
    ]
    const places: readonly ((text: string) => HarEntry)[] = [
      (text) => entryOf({ url: `https://a.example/${encodeURIComponent(text)}?q=${encodeURIComponent(text)}#${text}` }),
      (text) =>
        entryOf({ headers: { [text]: text, referer: `https://a.example/?q=${text}`, cookie: `a=b; c=${text}` } }),
      (text) => entryOf({ answered: { 'set-cookie': `a=b\nc=${text}`, location: `/?q=${text}`, link: `<${text}>` } }),
      (text) => entryOf({ method: 'POST', body: new URLSearchParams({ text }), answer: `<a b='${text}'>${text}</a>` }),
      (text) => entryOf({ method: 'POST', body: { text }, answer: `data: ${text}\n\n` }),
      (text) => ({ ...entryOf({ answer: { text } }), comment: text, _initiator: { stack: [{ url: text }] } }),
    ]
    const shown: readonly ((token: string) => HarEntry)[] = [
      (token) => entryOf({ headers: { 'PROXY-Authorization': `Bearer ${token}` } }),
      (token) => entryOf({ headers: { authorization: `Basic ${btoa(`ann:${token}`)}` } }),
      (token) => entryOf({ method: 'POST', body: { newPassword: token } }),
      (token) => entryOf({ answer: { data: JSON.stringify({ device_code: token }) } }),
      (token) => entryOf({ answered: { 'set-cookie': `a=b\nsid=${token}; HttpOnly` } }),
    ]
    const token = fc.uint8Array({ minLength: 15, maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('base64'))
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(token, fc.constantFrom(...spellings), fc.constantFrom(...places), fc.constantFrom(...shown)),
        async ([secret, spell, place, show]) => {
          fc.pre(new Set(secret).size > 8)
          const text = spell(secret)
          // The use comes last: what it tells goes for all before it.
          const log = { version: '1.2', creator: { name: '', version: '' }, entries: [place(text), show(secret)] }
          for (const out of [JSON.stringify(fromHar({ log })), await sanitized(JSON.stringify({ log }))]) {
            for (const one of [secret, text]) {
              for (const written of [one, encodeURIComponent(one), JSON.stringify(one).slice(1, -1)]) {
                expect(out).not.toContain(written)
              }
            }
            expect(() => JSON.parse(out) as unknown).not.toThrow()
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  test('placeholders that stand in a recording already keep their meaning', async () => {
    const { text, file } = readLeaks().find((document) => document.file === 'ours.har')!
    expect(await sanitized(text, { file })).toContain('{{access_p1_1}}')
    const mixed = text.replace('"hint":', '"hint":').replace('Bearer {{access_p1_1}}', `Bearer ${opaque}`)
    const out = JSON.parse(await sanitized(mixed, { file }))
    expect(out.log.entries[0].request.headers[0].value).toBe('Bearer {{access_p1_3}}')
  })

  test('random tokens in random places do not survive', async () => {
    const places: readonly ((token: string) => string)[] = [
      (token) => `GET /a?access_token=${token}&x=1`,
      (token) => `Authorization: Bearer ${token}`,
      (token) => `{"refresh_token":"${token}"}`,
      (token) => `x\\"access_token\\":\\"${token}\\"`,
      (token) => `grant_type=refresh_token&refresh_token=${encodeURIComponent(token)}&a=b`,
    ]
    // Drawn evenly, as a server draws them: a generator that likes the first letters makes words.
    const tokens = fc
      .tuple(fc.constantFrom('opaque', 'hex40', 'jwt', 'uuid'), fc.nat())
      .map(([shape, seed]) => valueOf(shape, `${seed}`))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(tokens, fc.nat(places.length - 1)), { minLength: 1, maxLength: 8 }),
        async (all) => {
          const out = await sanitized(all.map(([token, place]) => places[place]!(token)).join('\n'))
          for (const [token] of all) expect(out).not.toContain(token)
        },
      ),
      // A token in 300 000 looks like words: not today.
      { seed: 20261124 },
    )
  })

  test('of short tokens, of 128 bits, hardly one in a thousand is taken for words', async () => {
    const tokens = Array.from({ length: 5_000 }, (_, index) => valueOf('opq22', `${index}`))
    const out = await sanitized(tokens.map((token) => `token=${token}\n`).join(''))
    expect(tokens.filter((token) => out.includes(token)).length).toBeLessThanOrEqual(5)
  })
})
