import sdk from '@har-sdk/validator'
import { createMockServer, toPostman, type PostmanExport, type PostmanItem } from 'tokenward/testing'
import { expect, onTestFinished, test } from 'vitest'
import { api, recording, reference, story } from '../servers/recording.ts'

async function problemsOf({ collection }: PostmanExport): Promise<unknown[]> {
  const validator = new sdk.PostmanValidator()
  return (await validator.verify(JSON.parse(JSON.stringify(collection)) as never)) as unknown[]
}

test('the collection is one by the schema of Postman, which sees what is wrong in others', async () => {
  const exported = toPostman(story)
  expect(await problemsOf(exported)).toEqual([])
  expect(await problemsOf(toPostman(story, { plainHeaders: true }))).toEqual([])
  const [item] = exported.collection.item
  const broken = {
    ...item,
    request: { ...item?.request, auth: { type: 'bearer', bearer: { token: 'x' } } },
  } as PostmanItem
  expect(await problemsOf({ ...exported, collection: { ...exported.collection, item: [broken] } })).not.toEqual([])
})

test('each request carries the token of its principal through a variable, and the environment has it empty', () => {
  const { collection, environment } = toPostman(story)
  const requests = collection.item.map(({ request }) => request as { auth: object; header: { key: string }[] })
  expect(requests[1]).toMatchObject({
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{access_p1_1}}', type: 'string' }] },
    header: [],
  })
  expect(requests[0]).toMatchObject({ auth: { type: 'noauth' } })
  const secrets = environment.values.filter(({ type }) => type === 'secret')
  expect(secrets.map(({ key }) => key)).toContain('access_p1_1')
  expect(secrets.every(({ value }) => value === '')).toBe(true)
  expect(environment.values.filter(({ type }) => type === 'default').map(({ key, value }) => [key, value])).toEqual([
    ['baseUrl', api],
    ['baseUrl2', 'https://charges.example.net'],
  ])
})

test('a query is exported as it was written', () => {
  const har = recording(
    [{ url: `${api}/search?q=a%20b+c&flag&empty=&q=%7B%7Baccess_p1_1%7D%7D` }],
    [reference('access_p1_1')],
  )
  expect(toPostman(har).collection.item[0]?.request).toMatchObject({
    url: {
      raw: '{{baseUrl}}/search?q=a%20b+c&flag&empty=&q={{access_p1_1}}',
      query: [
        { key: 'q', value: 'a%20b+c' },
        { key: 'flag', value: null },
        { key: 'empty', value: '' },
        { key: 'q', value: '{{access_p1_1}}' },
      ],
    },
  })
})

interface Runnable {
  readonly method: string
  readonly header: readonly { readonly key: string; readonly value: string }[]
  readonly url: { readonly raw: string }
  readonly body?: { readonly raw?: string }
  readonly auth: { readonly bearer?: readonly { readonly value: string }[] }
}

/** As Postman runs it: variables filled in, tests run, what they set kept for the next request. */
async function play(
  { collection, environment }: PostmanExport,
  given: Readonly<Record<string, string>>,
): Promise<string[]> {
  const variables = new Map(environment.values.map(({ key, value }) => [key, given[key] ?? value]))
  const fill = (text: string): string =>
    text.replace(/\{\{(\w+)\}\}/g, (whole, key: string) => variables.get(key) ?? whole)
  const failures: string[] = []
  for (const { name, request, event } of collection.item) {
    const { method, header, url, body, auth } = request as Runnable
    const headers = header.map(({ key, value }): [string, string] => [key, fill(value)])
    if (auth.bearer) headers.push(['Authorization', `Bearer ${fill(auth.bearer[0]?.value ?? '')}`])
    const sent = body?.raw === undefined ? {} : { body: fill(body.raw) }
    const response = await fetch(fill(url.raw), { method, headers, ...sent })
    const text = await response.text()
    const pm = {
      test: (title: string, check: () => void) => {
        try {
          check()
        } catch {
          failures.push(`${name}: ${title}, was ${response.status}`)
        }
      },
      response: {
        to: { have: { status: (wanted: number) => expect(response.status).toBe(wanted) } },
        json: () => JSON.parse(text) as unknown,
      },
      environment: { set: (key: string, value: string) => variables.set(key, value) },
    }
    const { script } = event[0] as { readonly script: { readonly exec: readonly string[] } }
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    new Function('pm', script.exec.join('\n'))(pm)
  }
  return failures
}

test('it runs: a login at the beginning is enough, and a token that is dead fails the tests', async () => {
  const grant = { access_token: '{{access_p1_1}}', expires_in: 60, refresh_token: '{{refresh_p1_1}}' }
  const har = recording(
    [
      {
        url: `${api}/login`,
        send: { email: 'ann', password: '{{password_p1_1}}' },
        answer: grant,
        kind: 'login',
        principal: 'p1',
      },
      { url: `${api}/me`, token: 'access_p1_1', answer: { name: 'Ann' } },
      { url: `${api}/me`, status: 401, answer: {} },
      { url: `${api}/orders`, token: 'access_p1_1', send: { item: 'Tea' }, status: 201, answer: { id: 7 } },
    ],
    [
      reference('password_p1_1'),
      reference('access_p1_1', { claims: { ttl: 60 }, issuedBy: 0 }),
      reference('refresh_p1_1', { issuedBy: 0 }),
    ],
  )
  const mock = await createMockServer(har)
  onTestFinished(() => mock.close())
  const exported = toPostman(har)
  const given = { baseUrl: mock.origin, password_p1_1: 'anything' }
  expect(await play(exported, given)).toEqual([])
  const [, ...withoutLogin] = exported.collection.item
  const dead = { ...exported, collection: { ...exported.collection, item: withoutLogin } }
  expect(await play(dead, { ...given, access_p1_1: 'dead' })).toEqual([
    'GET /me: status 200, was 401',
    'POST /orders: status 201, was 401',
  ])
})
