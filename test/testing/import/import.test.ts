import { fromHar, fromKeploy, fromPostman, toKeploy, toPostman, type Har, type HarEntry } from 'tokenward/testing'
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

  test('one of ours is given back as it is, and refused if somebody has put a token into it', () => {
    expect(fromHar(story).log.entries).toEqual(story.log.entries)
    const text = JSON.stringify(story).replace('Bearer {{access_p1_1}}', `Bearer ${opaque}`)
    expect(() => fromHar(JSON.parse(text) as object)).toThrow(
      'entry 1 (GET https://api.example.com/me): a secret (access) stands where a placeholder should.',
    )
  })
})

test('what comes in is HAR by its schema', async () => {
  const { collection, environment } = toPostman(story)
  const page = fromHar(browser({ method: 'POST', body: new URLSearchParams({ a: 'b' }) }, { type: 'document' }), {
    assets: true,
  })
  for (const har of [page, fromPostman(collection, { environment }), fromKeploy(toKeploy(story).files)])
    expect(await problemsOfHar(har)).toEqual([])
})

describe('fromPostman', () => {
  const schema = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json'
  const collectionOf = (item: object, more: object = {}): object => ({
    info: { name: 'x', schema },
    item: [item],
    ...more,
  })
  const get = (request: object, more: object = {}): object => ({
    name: 'Orders',
    request: { url: `${api}/o`, ...request },
    ...more,
  })

  test('takes folders, variables and inherited authorization as Postman does', () => {
    const collection = collectionOf(
      {
        name: 'API',
        item: [
          get({
            url: '{{base}}/orders/:id',
            method: 'post',
            body: { mode: 'raw', raw: '{"n":{{n}}}', options: { raw: { language: 'json' } } },
          }),
        ],
      },
      {
        auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{access_token}}', type: 'string' }] },
        variable: [
          { key: 'base', value: '{{origin}}/v1' },
          { key: 'n', value: '1' },
        ],
      },
    )
    const environment = {
      values: [
        { key: 'origin', value: api },
        { key: 'n', value: '2', enabled: true },
        { key: 'access_token', value: '', type: 'secret' },
      ],
    }
    const har = fromPostman(collection, { environment, values: { n: '3' } })
    expect(entry(har, 0).request).toMatchObject({
      method: 'POST',
      url: `${api}/v1/orders/:id`,
      headers: [
        { name: 'Content-Type', value: 'application/json' },
        { name: 'Authorization', value: 'Bearer {{access_p1_1}}' },
      ],
      postData: { mimeType: 'application/json', text: '{"n":3}' },
    })
  })

  test.each([
    [{ auth: { type: 'bearer', bearer: { token: opaque } } }, 'Bearer {{access_p1_1}}'],
    [
      {
        auth: {
          type: 'basic',
          basic: [
            { key: 'username', value: 'ann' },
            { key: 'password', value: 'correct horse' },
          ],
        },
      },
      'Basic {{encoded_p1_1}}',
    ],
    [{ auth: { type: 'oauth2', oauth2: [{ key: 'accessToken', value: opaque }] } }, 'Bearer {{access_p1_1}}'],
    [{ header: [{ key: 'Authorization', value: `Bearer ${opaque}` }] }, 'Bearer {{access_p1_1}}'],
    [{ auth: { type: 'noauth' } }, undefined],
  ])('%j is sent as %j', (request, wanted) => {
    const har = fromPostman(collectionOf(get(request)))
    expect(entry(har, 0).request.headers.find(({ name }) => name === 'Authorization')?.value).toBe(wanted)
    expect(JSON.stringify(har)).not.toContain(opaque)
  })

  test('a saved example is an exchange; without one the test says the status', () => {
    const example = {
      code: 201,
      status: 'Created',
      header: [{ key: 'Content-Type', value: 'application/json' }],
      body: '{"id":7}',
    }
    const har = fromPostman({
      info: { schema },
      item: [
        get(
          {},
          { response: [example, { ...example, code: 409, originalRequest: { method: 'PUT', url: `${api}/p` } }] },
        ),
        get(
          {},
          { event: [{ listen: 'test', script: { exec: ["pm.test('x', () => pm.response.to.have.status(404))"] } }] },
        ),
        get({}),
      ],
    })
    expect(har.log.entries.map(({ request, response }) => [request.method, request.url, response.status])).toEqual([
      ['GET', `${api}/o`, 201],
      ['PUT', `${api}/p`, 409],
      ['GET', `${api}/o`, 404],
      ['GET', `${api}/o`, 200],
    ])
    expect(entry(har, 0).response.content.text).toBe('{"id":7}')
  })

  test.each([
    [
      {
        mode: 'urlencoded',
        urlencoded: [
          { key: 'a', value: '1 2' },
          { key: 'b', value: '3', disabled: true },
        ],
      },
      { text: 'a=1+2' },
    ],
    [
      {
        mode: 'formdata',
        formdata: [
          { key: 'f', type: 'file', src: '/home/ann/a.png' },
          { key: 't', value: 'x' },
        ],
      },
      {
        params: [
          { name: 'f', fileName: 'a.png' },
          { name: 't', value: 'x' },
        ],
      },
    ],
    [
      { mode: 'graphql', graphql: { query: '{ me }', variables: '{"a":1}' } },
      { text: '{"query":"{ me }","variables":{"a":1}}' },
    ],
    [{ mode: 'file', file: { src: 'a.bin' } }, { _omitted: 'unread' }],
  ])('the body %j', (body, wanted) => {
    expect(entry(fromPostman(collectionOf(get({ method: 'POST', body }))), 0).request.postData).toMatchObject(wanted)
  })

  const folders = (depth: number): object => (depth === 0 ? get({}) : { name: 'f', item: [folders(depth - 1)] })
  test.each<[string, unknown, string]>([
    ['no object', 'x', 'this is no Postman collection'],
    ['format 1', { requests: [] }, 'export it anew as "Collection v2.1"'],
    ['nothing in it', { info: { schema }, item: [] }, 'there is no request'],
    [
      'a base that nobody knows',
      collectionOf(get({ url: '{{baseUrl}}/x' })),
      'Orders: its URL does not begin with http:// or https://. Give the variable',
    ],
    [
      'a protocol that is none of ours',
      collectionOf(get({ url: 'file:///etc/passwd' })),
      'does not begin with http://',
    ],
    [
      'a signature',
      collectionOf(get({ auth: { type: 'awsv4', awsv4: [] } })),
      'Orders: this kind of authorization is not read: awsv4. Set it to "Bearer Token"',
    ],
    [
      'a variable without a value',
      collectionOf(get({ url: `${api}/{{orderId}}` })),
      'the variable orderId has no value. Give it in `values` (--values on the command line)',
    ],
    [
      'a circle',
      collectionOf(get({ url: `${api}/{{a}}` }), {
        variable: [
          { key: 'a', value: '{{b}}' },
          { key: 'b', value: '{{a}}' },
        ],
      }),
      'has no value',
    ],
    ['no method', collectionOf(get({ method: 'GET X\r\n' })), 'request.method is not a method'],
    ['folders without end', collectionOf(folders(60)), 'more than 50 folders in each other'],
    [
      'a body of a kind that there is not',
      collectionOf(get({ body: { mode: 'carrier-pigeon' } })),
      'this kind of body is not read',
    ],
  ])('%s: an error that names the cure', (_, collection, message) => {
    expect(() => fromPostman(collection)).toThrow(message)
  })

  test('what our own export has as variables is known by its name', () => {
    const { collection, environment } = toPostman(story)
    const har = fromPostman(collection, { environment })
    expect(har.log.entries.map(({ _exchange, _principal }) => [_exchange, _principal])).toEqual(
      story.log.entries.map(({ _exchange, request }) => [_exchange, /_(p\d)_/.exec(JSON.stringify(request))?.[1]]),
    )
  })
})

describe('fromKeploy', () => {
  /** As Keploy writes it, with Go's YAML: indented by four, plain where it can be, JSON in single quotes. */
  const testCase = `version: api.keploy.io/v1beta1
kind: Http
name: test-1
spec:
    metadata: {}
    req:
        method: POST
        proto_major: 1
        proto_minor: 1
        url: http://localhost:4010/items?limit=2
        header:
            Authorization: Bearer ${opaque}
            Content-Type: application/json
            Host: localhost:4010
        body: '{"name": "it''s \\ tea"}'
        timestamp: 2026-11-22T09:00:00.5+01:00
    resp:
        status_code: 201
        header:
            Content-Type: application/json
            Date: Sun, 22 Nov 2026 08:00:00 GMT
        body: |
            {"id":7}
        status_message: Created
        proto_major: 0
        proto_minor: 0
        timestamp: 2026-11-22T09:00:00.512+01:00
    objects: []
    assertions:
        noise:
            body.id: []
            header.Date: []
    created: 1795338000
curl: |
    curl --request POST \\
      --url http://localhost:4010/items?limit=2 \\
`
  const mocks = `# Generated by Keploy (2.10.0)
version: api.keploy.io/v1beta1
kind: PostgresV2
name: mock-0
spec:
    metadata: {type: config}
    postgresrequests: [{identifier: StartupRequest, payload: AAAA}]
---
version: api.keploy.io/v1beta1
kind: Http
name: mock-1
spec:
    metadata:
        name: Http
        type: HTTP_CLIENT
    req:
        method: GET
        url: https://thirdparty.example.com/v1/charges
        header: {Authorization: "Bearer {{string .secret.Test1_Authorization }}"}
        body: ""
        timestamp: 2026-11-22T08:00:00.505Z
    resp: {status_code: 200, header: {}, body: "", timestamp: 2026-11-22T08:00:00.507Z}
connectionId: "0"
`

  test('reads test cases and HTTP mocks in the order of their times, with their noise', () => {
    const har = fromKeploy(
      new Map([
        ['set/mocks.yaml', mocks],
        ['set/tests/test-1.yaml', testCase],
        ['set/config.yaml', 'not: [read'],
        ['set/README.md', '- neither: ['],
      ]),
    )
    expect(JSON.stringify(har)).not.toContain(opaque)
    expect(har.log.entries).toMatchObject([
      {
        startedDateTime: '2026-11-22T08:00:00.500Z',
        time: 12,
        request: {
          method: 'POST',
          url: 'http://localhost:4010/items?limit=2',
          headers: [
            { name: 'Authorization', value: 'Bearer {{access_p1_1}}' },
            { name: 'Content-Type', value: 'application/json' },
          ],
          postData: { mimeType: 'application/json', text: '{"name": "it\'s \\ tea"}' },
        },
        response: { status: 201, statusText: 'Created', content: { text: '{"id":7}\n' } },
      },
      { request: { url: 'https://thirdparty.example.com/v1/charges', headers: [{ value: 'Bearer {{access_p2_1}}' }] } },
    ])
    expect(har.log._noise).toEqual([
      { entry: 0, path: 'body.id' },
      { entry: 0, path: 'header.Date' },
    ])
  })

  test('a secret of secret.yaml may be a whole header: its value is used, and does not get through', () => {
    const har = fromKeploy(
      new Map([
        ['tests/test-1.yaml', testCase.replace(`Bearer ${opaque}`, '"{{string .secret.auth }}"')],
        ['secret.yaml', `auth: Bearer ${opaque}\n`],
      ]),
    )
    expect(entry(har, 0).request.headers[0]?.value).toBe('Bearer {{access_p1_1}}')
    expect(JSON.stringify(har)).not.toContain(opaque)
  })

  test.each<[string, Record<string, string>, string]>([
    [
      'no test case',
      { 'a.yaml': 'kind: Mongo\n' },
      'there is no HTTP test case of Keploy in these files. Give the folder of a test set',
    ],
    ['not YAML', { 'tests/test-1.yaml': 'kind: Http\nspec: {a: [}\n' }, 'tests/test-1.yaml, line 2: '],
    [
      'aliases that grow',
      { 'a.yaml': 'a: &a [x]\nb: [*a, *a]\n' },
      'a.yaml, line 1: anchors, aliases and tags (& * !) are not read',
    ],
    [
      'no URL',
      { 'a.yaml': testCase.replace(/url: .*/, 'url: file:///etc/passwd') },
      'a.yaml: its spec.req.url is not a URL of http: or https:',
    ],
    [
      'a variable without a value',
      { 'a.yaml': testCase.replace('limit=2', 'limit={{string .limit }}') },
      'the variable limit has no value',
    ],
    [
      'no status',
      { 'a.yaml': testCase.replace('status_code: 201', 'status_code: {}') },
      'response.status is not a number',
    ],
  ])('%s: an error that names the cure', (_, files, message) => {
    expect(() => fromKeploy(new Map(Object.entries(files)))).toThrow(message)
  })
})
