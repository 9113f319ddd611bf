import { fromKeploy, fromPostman, toKeploy, toPostman, type Har, type HarEntry } from 'tokenward/testing'
import { expect, test } from 'vitest'
import { codeIn, tableOf } from '../../docs/markdown.ts'
import { entryOf, type Sketch } from '../entry.ts'
import { recording, reference } from '../servers/recording.ts'

const api = 'https://api.example.com'
const login = { answer: { access_token: '{{access_p1_1}}', refresh_token: '{{refresh_p1_1}}', scope: 'orders' } }
const json = { 'content-type': 'application/json' }

function special(sketch: Sketch, change: (entry: HarEntry) => Partial<HarEntry>): HarEntry {
  const entry = entryOf({ atMs: 60_000, ...sketch })
  return { ...entry, ...change(entry) }
}

/** A recording with one of everything. */
const rich: Har = (() => {
  const { log } = recording(
    [
      { url: `${api}/login`, send: { password: '{{password_p1_1}}' }, ...login, kind: 'login', principal: 'p1' },
      { url: `${api}/orders?q=a%20b+c&flag&empty=`, token: 'access_p1_1', headers: { 'x-note': '{"a": 1}' } },
      {
        url: `${api}/orders`,
        token: 'access_p1_1',
        form: { item: 'Tea & more', n: '{{2}}' },
        status: 201,
        answer: { id: 7 },
      },
      {
        ...{ url: `${api}/refresh`, send: { refresh_token: '{{refresh_p1_1}}' }, kind: 'refresh', principal: 'p1' },
        answer: { access_token: '{{access_p1_2}}', refresh_token: '{{refresh_p1_2}}' },
      },
      { url: `${api}/me`, token: 'access_p1_2', answer: { name: '{{ Ann }}' }, answerHeaders: { 'x-page': 'a: b' } },
      { url: 'https://charges.example.net/charges', token: 'access_p2_1', answer: { at: 1 } },
      {
        url: `${api}/logout`,
        send: { refresh_token: '{{refresh_p1_2}}' },
        status: 204,
        kind: 'logout',
        principal: 'p1',
      },
    ],
    [
      reference('password_p1_1'),
      reference('access_p1_1', { claims: { aud: api, scope: 'orders', ttl: 60 }, issuedBy: 0, format: 'jwt' }),
      reference('refresh_p1_1', { issuedBy: 0 }),
      reference('access_p1_2', { claims: { aud: api }, issuedBy: 3, refreshedFrom: 'access_p1_1', format: 'jwt' }),
      reference('refresh_p1_2', { issuedBy: 3, refreshedFrom: 'refresh_p1_1' }),
      reference('access_p2_1'),
    ],
  )
  const entries = [
    ...log.entries,
    special(
      { method: 'POST', url: `${api}/photos`, headers: { 'content-type': 'multipart/form-data; boundary=b' } },
      ({ request }) => ({
        request: {
          ...request,
          postData: {
            mimeType: 'multipart/form-data; boundary=b',
            params: [
              { name: 'title', value: 'Home' },
              { name: 'photo', fileName: 'a.png', contentType: 'image/png' },
            ],
          },
        },
      }),
    ),
    special({ method: 'PUT', url: `${api}/photos/1`, headers: { 'content-type': 'image/png' } }, ({ request }) => ({
      request: { ...request, postData: { mimeType: 'image/png', text: 'iVBORw0=', _encoding: 'base64' } },
    })),
    special({ url: `${api}/photos/1`, answered: { 'content-type': 'image/png' } }, ({ response }) => ({
      response: { ...response, content: { size: 5, mimeType: 'image/png', text: 'iVBORw0=', encoding: 'base64' } },
    })),
    special({ url: `${api}/slow`, headers: json, status: 0 }, () => ({ _error: 'ERR_NETWORK' })),
  ]
  return { log: { ...log, entries, _noise: [{ entry: 4, path: 'body.name' }, { path: 'header.Date' }] } }
})()

/** What may get lost, by the name that the guide gives it. */
const facts: Readonly<Record<string, (har: Har) => unknown>> = {
  'requests, in their order': each(({ request }) => [request.method, request.url.replace(/\?.*/, '')]),
  'the query, as it was written': each(({ request }) => request.url),
  'headers of requests': each(({ request }) => headersOf(request.headers)),
  'bodies: JSON, forms, text': each(({ request }) =>
    textIn(request.postData?.params || request.postData?._encoding ? undefined : request.postData?.text),
  ),
  'fields of multipart forms, and the names of files': each(({ request }) =>
    request.postData?.params?.map(({ name, value, fileName }) => [name, value, fileName]),
  ),
  'binary bodies': each(({ request }) => request.postData?._encoding),
  'which token a request carries': each(
    ({ request }) => request.headers.find(({ name }) => /^authorization$/i.test(name))?.value,
  ),
  'logins, refreshes and logouts, and who asks there': each(({ _exchange, _principal }) => [
    _exchange,
    _exchange && _principal,
  ]),
  'which answer brought a token, and what it was refreshed from': ({ log }) =>
    log._tokens?.map(({ id, issuedBy, refreshedFrom }) => [id, issuedBy, refreshedFrom]).sort(),
  'claims, scope and lifetime of tokens': ({ log }) => log._tokens?.map(({ id, claims }) => [id, claims]).sort(),
  statuses: each(({ response }) => response.status),
  'headers of answers': each(({ response }) => headersOf(response.headers)),
  'answers: JSON, text': each(({ response }) => textIn(response.content.encoding ? undefined : response.content.text)),
  'binary answers': each(({ response }) => response.content.encoding),
  'times and durations': each(({ startedDateTime, time }) => [startedDateTime, time]),
  'noise, but of mocks': ({ log: { entries, _noise = [] } }) =>
    entries.flatMap(({ request, response }, index) =>
      response.status === 0 || !request.url.startsWith(api)
        ? []
        : [
            _noise
              .filter(({ entry = index }) => entry === index)
              .map(({ path }) => path)
              .sort(),
          ],
    ),
  'requests that nobody answered': ({ log }) => log.entries.filter(({ response }) => response.status === 0).length,
}

/** Of the exchanges that were answered. */
function each(look: (entry: HarEntry) => unknown): (har: Har) => unknown {
  return ({ log }) => log.entries.filter(({ response }) => response.status !== 0).map((entry) => look(entry) ?? null)
}
function headersOf(headers: HarEntry['request']['headers']): string[] {
  // `content-length` is that of a connection, and this recording has a wrong one.
  return headers
    .map(({ name, value }) => `${name.toLowerCase()}: ${value}`)
    .filter((one) => !/^content-(length|type)/.test(one))
    .sort()
}
const textIn = (text: string | undefined): string => text ?? ''

const roundTrips = {
  Postman: (har: Har) => {
    const { collection, environment } = JSON.parse(JSON.stringify(toPostman(har))) as ReturnType<typeof toPostman>
    return fromPostman(collection, { environment })
  },
  Keploy: (har: Har) => fromKeploy(toKeploy(har, { third: ['https://charges.example.net'] }).files),
}

test('the guide says what survives the way to another tool and back', () => {
  const came = Object.values(roundTrips).map((go) => go(rich))
  const found = Object.entries(facts).map(([what, look]) => [
    what,
    ...came.map((har) => (JSON.stringify(look(har)) === JSON.stringify(look(rich)) ? 'kept' : 'lost')),
  ])
  expect(tableOf('docs/export.md', 'what', ...Object.keys(roundTrips))).toEqual(found)
})

test.each(Object.entries(roundTrips))('what came back from %s comes back the same from then on', (_, go) => {
  const once = go(rich)
  expect(go(once)).toEqual(once)
})

test('the guide lists every way out and in', () => {
  expect(
    tableOf('docs/export.md', 'tool', 'out').flatMap(([, out, back]) => [...codeIn(out), ...codeIn(back)]),
  ).toEqual(['toPostman', 'fromPostman', 'toKeploy', 'fromKeploy', 'toCurl', 'fromHar', 'toTestFile', 'toMockFile'])
})
