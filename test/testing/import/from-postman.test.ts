import { fromPostman, toPostman, type Har, type HarEntry } from 'tokenward/testing'
import { describe, expect, test } from 'vitest'
import { problemsOfHar } from '../har-validator.ts'
import { story } from '../servers/recording.ts'
import { valueOf } from '../scan/sets/values.ts'

const opaque = valueOf('opaque', 'import')
const api = 'https://api.example.com'
const entry = (har: Har, index: number): HarEntry => har.log.entries[index]!

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

test('what comes in is HAR by its schema', async () => {
  const { collection, environment } = toPostman(story)
  expect(await problemsOfHar(fromPostman(collection, { environment }))).toEqual([])
})
