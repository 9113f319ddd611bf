import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'
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

interface Played {
  readonly failures: readonly string[]
  readonly assertions: number
}

/** Runs what is in a file, one collection after the other, and writes what came of each. */
const RUNNER = `
  const newman = require(process.argv[1])
  const play = (options) => new Promise((resolve, reject) =>
    newman.run({ ...options, reporters: [] }, (error, { run } = {}) => error ? reject(error) : resolve({
      failures: run.failures.map(({ source, error }) => source.name + ': ' + error.message),
      assertions: run.stats.assertions.total,
    })))
  ;(async () => {
    const all = []
    for (const one of JSON.parse(require('fs').readFileSync(0, 'utf8'))) all.push(await play(one))
    console.log(JSON.stringify(all))
  })()`

/** What newman, Postman's own runner, makes of them, in a process of its own. */
async function play(
  ...given: readonly (readonly [PostmanExport, Readonly<Record<string, string>>])[]
): Promise<Played[]> {
  const program = createRequire(import.meta.url).resolve('newman')
  const child = spawn(process.execPath, ['-e', RUNNER, program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const runs = given.map(([{ collection, environment }, secrets]) => ({
    collection,
    environment: {
      ...environment,
      values: environment.values.map((one) => ({ ...one, value: secrets[one.key] ?? one.value })),
    },
  }))
  child.stdin.end(JSON.stringify(runs))
  return JSON.parse(await text(child.stdout)) as Played[]
}

test('newman runs it: a login at the beginning is enough, and a token that is dead fails the tests', async () => {
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
  const [, ...withoutLogin] = exported.collection.item
  const dead = { ...exported, collection: { ...exported.collection, item: withoutLogin } }
  const [green, plain, red] = await play(
    [exported, given],
    [toPostman(har, { plainHeaders: true }), given],
    [dead, { ...given, access_p1_1: 'dead' }],
  )
  expect([green, plain]).toEqual(Array(2).fill({ failures: [], assertions: 4 }))
  expect(red).toEqual({
    failures: [
      'GET /me: expected response to have status code 200 but got 401',
      'POST /orders: expected response to have status code 201 but got 401',
    ],
    assertions: 3,
  })
})
