import fc from 'fast-check'
import type { Har, HarEntry } from 'tokenward/testing'
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

  const random = 'q7Zt2mVx9Kc4Lw8RbN1s'
  const jwtLike = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSIsImp0aSI6ImFiYyJ9.c2lnbmF0dXJl'
  const multipart = `--b1\r\ncontent-disposition: form-data; name="password"\r\n\r\na long password\r\n--b1--\r\n`

  test.each<[string, Sketch]>([
    ['a multipart body', { headers: { 'content-type': 'multipart/form-data; boundary=b1' }, body: multipart }],
    ['JSON in JSON', { body: { input: JSON.stringify({ user: { password: 'a long password' } }) } }],
    ['XML', { body: '<?xml version="1.0"?><s:login><s:Password type="x">a long password</s:Password></s:login>' }],
    ['an attribute in XML', { body: '<login user="ann" password="a long password"/>' }],
    ['GraphQL', { body: { query: 'mutation { login(email: "a@example.com", password: "a long password") { id } }' } }],
    ['a form within JSON', { body: { url: '/login?password=a+long+password' } }],
    ['a fragment', { url: 'https://app.example/#access_token=a%20long%20password' }],
    ['where somebody came from', { headers: { referer: 'https://app.example/?access_token=a%20long%20password' } }],
    ['a cookie of JSON', { headers: { cookie: `prefs=${encodeURIComponent('{"password":"a long password"}')}` } }],
    ['a URL with a name and a password', { url: 'https://ann:a%20long%20password@api.example.com/' }],
    ['a list of lines of JSON', { body: '{"a":1}\n{"password":"a long password"}\n' }],
    ['the address of a database', { body: { from: 'postgres://ann:a%20long%20password@db.example/orders' } }],
    ['JSON after a mark of the byte order', { body: '\ufeff{"password":"a long password"}' }],
  ])('in a request: %s', (_, sketch) => {
    const har = redacted({ method: 'POST', ...sketch }, { answer: 'so: a long password' })
    expect(har[1]?.response.content.text).toMatch(/^so: \{\{(password|access)_p1_1\}\}$/)
  })

  test.each<[string, Sketch]>([
    ['token and refresh', { answer: { token: random, refresh: 'rt-12345678' } }],
    ['access and refresh', { answer: { access: random, refresh: 'rt-12345678' } }],
    ['a resource of JSON:API', { body: { password: 'x' }, answer: { data: { attributes: { token: random } } } }],
    ['lines of JSON', { answer: `{"n":1}\n{"access_token":"${random}"}\n` }],
    ['events', { answer: `event: x\ndata: {"access_token":"${random}"}\n\n` }],
    ['a session by its id', { answer: { session_id: random } }],
    ['a key of a service', { answer: { accessKey: random } }],
    ['XML', { answer: `<r><access_token>${random}</access_token></r>` }],
    ['a form that posts itself', { answer: `<input name="code" value="${random}"><input value="1" name="state">` }],
    ['a code, and nothing beside it', { status: 302, answered: { location: `https://app.example/cb?code=${random}` } }],
    ['a token against forgery', { answer: `<input name="__RequestVerificationToken" value="${random}">` }],
    ['a code for a device', { answer: { user_code: random } }],
    ['JSON that is no script', { answer: `)]}',\n{"sessionKey":"${random}"}` }],
    ['JSON that is no script, in another way', { answer: `while(1);{"sessionKey":"${random}"}` }],
    ['JSON that calls back', { answer: `/**/cb_1({"sessionKey":"${random}"});` }],
    ['several cookies in one header, in lines', { answered: { 'set-cookie': `a=b; Path=/\nwho=${random}; HttpOnly` } }],
    [
      'several cookies in one header, with commas',
      { answered: { 'set-cookie': `a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT, who=${random}; HttpOnly` } },
    ],
    ['a cookie that scripts may read', { answered: { 'set-cookie': `who=${random}; Secure` } }],
  ])('in an answer: %s', (_, sketch) => {
    const har = redacted({ method: 'POST', ...sketch }, { answer: `so: ${random}` })
    expect(har[1]?.response.content.text).toMatch(/^so: \{\{\w+_p1_1\}\}$/)
  })

  test.each<[string, Sketch]>([
    ['a header for a key of somebody', { headers: { 'X-Acme-Key': random } }],
    ['a header for a key of a function', { headers: { 'x-functions-key': random } }],
    ['a header with another name for the same', { headers: { 'X-Authorization': `Bearer ${random}` } }],
    ['a session in a path', { url: `https://a.example/cart;jsessionid=${random}/items?a=1` }],
  ])('in a request, and random: %s', (_, sketch) => {
    const har = redacted(sketch, { answer: `so: ${random}` })
    expect(har[1]?.response.content.text).toMatch(/^so: \{\{\w+_p1_1\}\}$/)
  })

  test.each<[string, Sketch]>([
    [
      'a program after a comment',
      { answer: '/*! v1 */e.a=1;password=input.value;sid=other.name;e.b=2?f("a&token=1"):0' },
    ],
    ['a program after the comment of a line', { answer: '// v1\na();password=input("value");sid=next();a("b")' }],
    [
      'the name in an address',
      { body: { from: 'smtp://mailer@a.example' }, answer: { url: 'ssh://git@a.example', by: 'git' } },
    ],
    ['labels', { answer: { password: 'Password', apiKey: 'API key', otp: 'One-time code', so: 'No Password yet' } }],
    ['flags', { url: 'https://a.example/?pass=true', headers: { cookie: 'logged_in=true' }, answer: { open: true } }],
    ['numbers of things', { url: 'https://a.example/?sid=12', body: { otp: 7 }, answer: { at: '12:12:07', of: 12 } }],
    ['codes of users', { body: { userCode: 'ann-doe-01' }, answer: { user_code: '00012345', by: 'ann-doe-01' } }],
    ['the code of a coupon', { answer: { address: { state: 'CA' }, coupon: { code: 'SUMMER26' }, so: 'SUMMER26' } }],
    ['the form of an address', { answer: { link: 'https://user:password@a.example/', so: 'No password yet' } }],
  ])('what is no secret stays: %s', (_, sketch) => {
    const [entry] = redacted(sketch)
    const { request, response } = entryOf(sketch)
    expect(entry).toMatchObject({ request, response })
  })

  test('a header of blanks costs no more than another', () => {
    const blanks = ' '.repeat(60_000)
    const before = process.cpuUsage()
    redacted({ headers: { authorization: `Bearer a${blanks}b` }, answered: { 'set-cookie': `${blanks}x` } })
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_500)
  })

  test('keys that open nothing stay', () => {
    const headers = {
      'Idempotency-Key': random,
      'Sec-WebSocket-Key': random,
      'X-Sort-Key': 'created-at',
      'X-Partition-Key': random,
    }
    expect(redacted({ headers })[0]?.request.headers).toEqual(
      Object.entries(headers).map(([name, value]) => ({ name, value })),
    )
  })

  test.each([`AIzaSyA${'b1C2d3E4'.repeat(4)}`, `ghp_${'a1B2c3'.repeat(6)}`, jwtLike])(
    'what says so itself: %s',
    (key) => {
      const [entry] = redacted({ url: `https://maps.example/js?key=${key}`, answer: { nothing: [key] } })
      expect(entry?.response.content.text).toBe('{"nothing":["{{secret_p1_1}}"]}')
    },
  )

  test('a code that a user types in for a device is one', () => {
    const [entry] = redacted({ answer: { user_code: 'WDJB-MJHT' } })
    expect(entry?.response.content.text).toBe('{"user_code":"{{secret_p1_1}}"}')
  })

  test('a password that ends as what it is is one', () => {
    const [entry] = redacted({ answer: { password: 'my-password', from: 'smtp://ann:newpassword@a.example' } })
    expect(entry?.response.content.text).toBe(
      '{"password":"{{password_p1_1}}","from":"smtp://ann:{{password_p1_2}}@a.example"}',
    )
  })

  test('a private key says so itself', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n'
    const [entry] = redacted({ answer: { nothing: [key] } })
    expect(entry?.response.content.text).toBe('{"nothing":["{{secret_p1_1}}"]}')
  })

  test('a login whose answer names its tokens in its own way is one', () => {
    const [login, refresh] = redacted(
      { method: 'POST', body: { password: 'a long password' }, answer: { access: random, refresh: 'rt-12345678' } },
      { method: 'POST', body: { refresh: 'rt-12345678' }, answer: { access: `${random}2` } },
    )
    expect([login?._exchange, JSON.parse(login?.response.content.text ?? '')]).toEqual([
      'login',
      { access: '{{access_p1_1}}', refresh: '{{refresh_p1_1}}' },
    ])
    expect([refresh?._principal, refresh?.request.postData?.text]).toEqual(['p1', '{"refresh":"{{refresh_p1_1}}"}'])
  })

  test('in small letters, as hosts and types are, and in the type of a part', () => {
    const token = 'Abcd-EFGH-1234'
    const entry = entryOf({
      method: 'POST',
      url: `https://${token}.example.com/`,
      headers: { authorization: `Bearer ${token}`, [token.toLowerCase()]: '1' },
    })
    const part = { name: 'a', fileName: 'b', contentType: `text/${token.toLowerCase()}`, value: 'c' }
    const request = { ...entry.request, postData: { mimeType: 'multipart/form-data', params: [part] } }
    const { log } = toRedactedHar([{ entry: { ...entry, request }, fromSource: false }], {}, [])
    expect(log.entries[0]?.request).toMatchObject({
      url: 'https://%7B%7Baccess_p1_1%7D%7D.example.com/',
      headers: [{ value: 'Bearer {{access_p1_1}}' }, { name: '{{access_p1_1}}' }],
      postData: { params: [{ contentType: 'text/{{access_p1_1}}' }] },
    })
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
        const har = toRedactedHar([{ entry, fromSource: false }], {}, [])
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
    ['in small letters', secret.toLowerCase()],
    ['base64, twice', Buffer.from(Buffer.from(`{"a":"${secret}"}`).toString('base64')).toString('base64')],
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

  test('a short one, where it is a value of its own', () => {
    const short = [{ id: 'password_p1_1', value: 'demo' }]
    const withHeader = (text: string): Har => ({
      log: { version: '1.2', creator: { name: '', version: '' }, entries: [entryOf({ answered: { 'x-any': text } })] },
    })
    for (const text of ['demo', 'pass=demo', '{"p":"demo"}', 'p=%22demo%22']) {
      expect(findSurvivor(withHeader(text), short)?.place).toBe('response.headers.0.value')
    }
    for (const text of ['demonstrates', 'demo@example.com']) {
      expect(findSurvivor(withHeader(text), short)).toBeUndefined()
    }
  })

  test.each(['password', 'refresh', 'secret', 'entries', 'text', 'GET', 'p1', 'tokenward', 'HTTP/1.1', '1.2', 'json'])(
    "what a recording says by itself is nobody's secret: somebody has the password %s",
    (password) => {
      const [entry] = redacted({
        method: 'POST',
        url: 'https://api.example.com/login',
        body: { email: 'ann@example.com', password },
        answer: { access_token: 'a-token-of-length' },
      })
      expect(JSON.parse(entry?.request.postData?.text ?? '')).toMatchObject({ email: 'ann@example.com' })
      expect(entry?.request.postData?.text).toContain('"{{password_p1_1}}"}')
    },
  )

  test('a secret in what names itself so: the file is refused, and the message quotes nothing', () => {
    const entry = {
      ...entryOf({ headers: { authorization: 'Bearer a-token-of-length' } }),
      _error: 'a-token-of-length',
    }
    expect(() => toRedactedHar([{ entry, fromSource: false }], {}, [])).toThrow(
      expect.objectContaining({
        code: 'secret_survived',
        entry: 0,
        message: 'entry 0 (GET https://api.example.com/items): access_p1_1 is still in _error',
      }) as Error,
    )
  })
})
