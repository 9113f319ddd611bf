import fc from 'fast-check'
import { fromHar, toCurl, toKeploy, toMockFile, toPostman, toTestFile, type Har } from 'tokenward/testing'
import { expect, test } from 'vitest'
import { entryOf } from '../entry.ts'
import { api, story } from '../servers/recording.ts'

/** Everything that is made of a recording. */
const outputs: Readonly<Record<string, (har: Har) => string>> = {
  recording: (har) => JSON.stringify(har),
  toCurl,
  toPostman: (har) => JSON.stringify(toPostman(har)),
  'toPostman, plain': (har) => JSON.stringify(toPostman(har, { plainHeaders: true })),
  toKeploy: (har) => [...toKeploy(har, { third: ['https://pay.example.net'] }).files.values()].join('\n'),
  'toTestFile, vitest': (har) => toTestFile(har, { runner: 'vitest' }),
  'toTestFile, node': (har) => toTestFile(har, { runner: 'node' }),
  'toTestFile, playwright': (har) => toTestFile(har, { runner: 'playwright' }),
  toMockFile,
}

/** How a secret may be written. */
function spellings(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1)
  return [
    secret,
    encodeURIComponent(secret),
    json,
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('hex'),
  ]
}

const secret = fc.stringMatching(/^[A-Za-z0-9_~+/=.-]{20,60}$/)
const secrets = fc.record({
  access: secret,
  refresh: secret,
  next: secret,
  password: fc.stringMatching(/^[ -~]{12,30}$/).filter((text) => text.trim() === text),
  session: fc.stringMatching(/^[A-Za-z0-9]{24}$/),
  key: fc.stringMatching(/^[A-Za-z0-9]{24}$/),
  basic: fc.stringMatching(/^[!-9;-~]{12,20}$/),
})
type Secrets = typeof secrets extends fc.Arbitrary<infer Value> ? Value : never

/** A browser's recording with each of them wherever it may stand. */
function recordedWith({ access, refresh, next, password, session, key, basic }: Secrets): object {
  const grant = (token: string): object => ({ access_token: token, refresh_token: `${refresh}2`, expires_in: 60 })
  const entries = [
    entryOf({
      ...{ method: 'POST', url: `${api}/login`, body: { email: 'ann@example.com', password } },
      ...{ answer: { access_token: access, refresh_token: refresh, expires_in: 60 } },
      answered: { 'set-cookie': `sid=${session}; HttpOnly; Secure` },
    }),
    entryOf({
      ...{
        url: `${api}/me?access_token=${encodeURIComponent(access)}`,
        answer: { echo: `you sent ${access}`, session },
      },
      headers: { authorization: `Bearer ${access}`, cookie: `sid=${session}; theme=dark`, 'x-api-key': key },
    }),
    entryOf({
      ...{ method: 'POST', url: `${api}/token`, answer: grant(next) },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refresh, client_secret: key }),
    }),
    entryOf({
      ...{
        method: 'POST',
        url: 'https://pay.example.net/charges',
        body: { note: `key ${key}`, b64: btoa(`x:${next}`) },
      },
      headers: { authorization: `Basic ${btoa(`shop:${basic}`)}`, referer: `${api}/cb#access_token=${next}` },
    }),
  ]
  return { log: { version: '1.2', creator: { name: 'browser', version: '1' }, entries } }
}

test('no secret of a recording is in anything that is made of it, in whatever spelling', () => {
  fc.assert(
    fc.property(secrets, (all) => {
      fc.pre(new Set(Object.values(all)).size === Object.values(all).length)
      const har = fromHar(recordedWith(all))
      for (const [name, make] of Object.entries(outputs)) {
        const text = make(har)
        const found = Object.entries(all).filter(([, value]) => spellings(value).some((one) => text.includes(one)))
        expect({ [name]: found.map(([kind]) => kind) }).toEqual({ [name]: [] })
      }
    }),
    { numRuns: 30 },
  )
})

test('the canary sings: a secret that is there is found', () => {
  const text = outputs['recording']?.(
    recordedWith({ ...fc.sample(secrets, 1)[0]!, access: 'a-known-token-of-ours' }) as Har,
  )
  expect(spellings('a-known-token-of-ours').some((one) => text?.includes(one))).toBe(true)
})

const exporters = Object.entries(outputs).filter(([name]) => name !== 'recording')

test.each(exporters)('%s refuses a recording into which somebody has put a secret', (_, make) => {
  const text = JSON.stringify(story)
  for (const dirty of [
    text.replace('Bearer {{access_p1_1}}', 'Bearer a-known-token-of-ours'),
    text.replaceAll('{{refresh_p1_1}}', 'a-known-token-of-ours'),
    text.replace('{{password_p1_1}}', 'correct horse'),
  ]) {
    expect(() => make(JSON.parse(dirty) as Har)).toThrow(
      /^entry \d+ \(.*\): a secret \((access|refresh|password)\) stands/,
    )
  }
})
