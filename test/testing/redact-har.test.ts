import fc from 'fast-check'
import type { HarEntry } from 'tokenward/testing'
import { describe, expect, test } from 'vitest'
import { toRedactedHar } from '../../src/testing/redact/har.ts'
import { findSurvivor } from '../../src/testing/redact/survivors.ts'
import { entryOf, type Sketch } from './entry.ts'

const redacted = (...sketches: Sketch[]): readonly HarEntry[] =>
  toRedactedHar(
    sketches.map((sketch, index) => ({
      entry: entryOf({ atMs: index, ...sketch }),
      fromSource: false,
      isIncluded: true,
    })),
    {},
    [],
  ).log.entries

describe('secrets are known by what they are used for', () => {
  test('a token that is used as one is one, wherever it came from', () => {
    const [login, call] = redacted(
      { method: 'POST', answer: { user: { token: 'opaque-token-1' } } },
      { headers: { authorization: 'Bearer opaque-token-1' } },
    )
    expect(login?.response.content.text).toBe('{"user":{"token":"{{access_p1_1}}"}}')
    expect(call?.request.headers).toEqual([{ name: 'authorization', value: 'Bearer {{access_p1_1}}' }])
  })

  test.each<[string, Sketch, (entry: HarEntry) => unknown, unknown]>([
    [
      'Basic',
      { headers: { authorization: `Basic ${Buffer.from('ann:a long password').toString('base64')}` } },
      ({ request }) => request.headers[0]?.value,
      'Basic {{encoded_p1_1}}',
    ],
    [
      'an API key',
      { headers: { 'x-api-key': 'k-123456789' }, url: 'https://a.example/?api_key=k-123456789' },
      ({ request }) => [request.headers[0]?.value, request.url],
      ['{{secret_p1_1}}', 'https://a.example/?api_key=%7B%7Bsecret_p1_1%7D%7D'],
    ],
    [
      'the code and the verifier of an authorization code grant',
      {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          code: 'code/with=signs',
          code_verifier: 'a-verifier-of-some-length',
          client_id: 'spa',
        }),
        answer: { access_token: 'at-12345678', refresh_token: 'rt-12345678', id_token: 'it-12345678', expires_in: 60 },
      },
      ({ request, response, _exchange, _principal }) => [
        request.postData?.text,
        JSON.parse(response.content.text ?? ''),
        _exchange,
        _principal,
      ],
      [
        'grant_type=authorization_code&code={{code_p1_1}}&code_verifier={{verifier_p1_1}}&client_id=spa',
        {
          access_token: '{{access_p1_1}}',
          refresh_token: '{{refresh_p1_1}}',
          id_token: '{{id_p1_1}}',
          expires_in: 60,
        },
        'login',
        'p1',
      ],
    ],
    [
      'the redirect of an authorization endpoint',
      { status: 302, answered: { location: 'https://app.example/cb?code=abcdefgh&state=1' } },
      ({ response }) => response.redirectURL,
      'https://app.example/cb?code=%7B%7Bcode_p1_1%7D%7D&state=1',
    ],
    [
      'cookies that say who somebody is',
      {
        headers: { cookie: 'lang=en; sid=s3cr3t-s3cr3t' },
        answered: { 'set-cookie': 'next=n3xt-n3xt; HttpOnly; Path=/' },
      },
      ({ request, response }) => [request.headers[0]?.value, response.headers[0]?.value],
      ['lang=en; sid={{cookie_p1_1}}', 'next={{cookie_p1_2}}; HttpOnly; Path=/'],
    ],
    [
      'no secrets: a coupon code, a count of passed tests, a public token of a map',
      { body: { code: 'SUMMER10', pin: null }, method: 'POST', answer: { pass: 12, token: 'pk.public', passed: true } },
      ({ request, response }) => [request.postData?.text, response.content.text],
      ['{"code":"SUMMER10","pin":null}', '{"pass":12,"token":"pk.public","passed":true}'],
    ],
  ])('%s', (_, sketch, see, expected) => {
    expect(see(redacted(sketch)[0]!)).toEqual(expected)
  })

  test('the parts of a JWT are no more to be seen than the whole', () => {
    const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm5AZXhhbXBsZS5jb20ifQ.c2lnbmF0dXJlLW9mLXRoaXM'
    const [, payload = '', signature = ''] = jwt.split('.')
    const [entry] = redacted({ headers: { authorization: `Bearer ${jwt}` }, answer: { payload, signature, jwt } })
    expect(JSON.parse(entry?.response.content.text ?? '')).toEqual({
      payload: '{{access_p1_1_payload}}',
      signature: '{{access_p1_1_signature}}',
      jwt: '{{access_p1_1}}',
    })
  })
})

test('a canary in any place of an entry, in any encoding, does not survive', () => {
  const token = fc
    .string({ minLength: 10, maxLength: 50, unit: fc.constantFrom(...Array.from('abcXYZ0189-._~+/=!$&:@%"\\ é')) })
    .filter((text) => /^[!-~]+$/.test(text) && /[a-z]{2}|\d{2}/i.test(text))
  const encodings: readonly ((text: string) => string)[] = [
    (text) => text,
    encodeURIComponent,
    (text) => JSON.stringify(JSON.stringify({ text })),
    (text) => Buffer.from(`a${text}`).toString('base64'),
    (text) => Buffer.from(JSON.stringify({ text })).toString('base64url'),
    (text) => encodeURIComponent(Buffer.from(text).toString('base64')),
    (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;'),
  ]
  const encoding = fc.constantFrom(...encodings)
  fc.assert(
    fc.property(
      fc.uniqueArray(token, { minLength: 1, maxLength: 2 }),
      fc.array(encoding, { minLength: 6, maxLength: 6 }),
      (tokens, how) => {
        const [first = '', second = first] = tokens
        const [url, header, text, answer, echoed, cookie] = how.map((encode, at) => encode(at % 2 ? second : first))
        const entry = entryOf({
          method: 'POST',
          url: `https://a.example/p?q=${encodeURIComponent(url ?? '')}`,
          headers: { authorization: `Bearer ${first}`, dpop: second, 'x-any': header ?? '' },
          body: { text },
          answered: { 'x-echo': echoed ?? '', 'set-cookie': `a=${cookie ?? ''}` },
          answer: { answer, both: `${first} ${second}` },
        })
        const har = toRedactedHar([{ entry, fromSource: false, isIncluded: true }], {}, [])
        const spread = JSON.stringify(har).replaceAll(/\{\{\w+\}\}/g, '')
        for (const one of [first, second]) {
          for (const encode of encodings.slice(0, 3)) {
            expect(spread).not.toContain(encode(one))
            expect(spread).not.toContain(JSON.stringify(encode(one)).slice(1, -1))
          }
        }
      },
    ),
    { numRuns: 150 },
  )
})

describe('what the redaction leaves, the check finds', () => {
  const secret = 'a/secret+of "some" length'
  const known = [{ id: 'access_p1_1', value: secret }]
  test.each<[string, string]>([
    ['plain', secret],
    ['percent-encoded', encodeURIComponent(secret)],
    ['as a form', new URLSearchParams({ '': secret }).toString().slice(1)],
    ['in JSON', JSON.stringify(secret)],
    ['in JSON in JSON', JSON.stringify(JSON.stringify(secret))],
    ['base64', Buffer.from(`ab${secret}`).toString('base64')],
    ['base64url', Buffer.from(`a${secret}`).toString('base64url')],
    ['hex', Buffer.from(secret).toString('hex')],
  ])('%s', (_, text) => {
    const har = {
      log: {
        version: '1.2',
        creator: { name: '', version: '' },
        entries: [entryOf(), entryOf({ answered: { 'x-any': `left ${text}` } })],
      },
    }
    expect(findSurvivor(har, known)).toEqual({ id: 'access_p1_1', entry: 1, place: 'response.headers.0.value' })
    expect(findSurvivor({ log: { ...har.log, entries: [entryOf()] } }, known)).toBeUndefined()
  })

  test('a secret in what names itself so: the file is refused, and the message quotes nothing', () => {
    const entry = {
      ...entryOf({ headers: { authorization: 'Bearer a-token-of-length' } }),
      _error: 'a-token-of-length',
    }
    expect(() => toRedactedHar([{ entry, fromSource: false, isIncluded: true }], {}, [])).toThrow(
      expect.objectContaining({
        code: 'secret_survived',
        entry: 0,
        message: 'entry 0 (GET https://api.example.com/items): access_p1_1 is still in _error',
      }) as Error,
    )
  })
})
