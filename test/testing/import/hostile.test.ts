import fc from 'fast-check'
import { fromHar, fromKeploy, fromPostman, RecordingError } from 'tokenward/testing'
import { stringify } from 'yaml'
import { expect, test } from 'vitest'

// Whatever stands where the formats say something else should: an error of ours, or a recording.

const names = {
  postman: [
    'item',
    'request',
    'url',
    'raw',
    'host',
    'path',
    'query',
    'variable',
    'header',
    'body',
    'mode',
    'urlencoded',
    'formdata',
    'graphql',
    'src',
    'auth',
    'type',
    'bearer',
    'basic',
    'apikey',
    'oauth2',
    'response',
    'originalRequest',
    'code',
    'event',
    'script',
    'exec',
    'listen',
    'key',
    'value',
    'disabled',
  ],
  har: [
    'request',
    'response',
    'method',
    'url',
    'headers',
    'cookies',
    'queryString',
    'postData',
    'params',
    'text',
    'mimeType',
    'content',
    'encoding',
    'status',
    'startedDateTime',
    'timings',
    'name',
    'value',
    '_tokens',
    'id',
    'claims',
    'format',
    '_resourceType',
  ],
  keploy: [
    'kind',
    'spec',
    'req',
    'resp',
    'method',
    'url',
    'header',
    'body',
    'form',
    'values',
    'paths',
    'key',
    'timestamp',
    'status_code',
    'assertions',
    'noise',
  ],
} as const

const leaf = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    200,
    'GET',
    'https://api.example.com/x',
    '{{a}}',
    '{{access_p1_1}}',
    'bearer',
    'basic',
    'apikey',
    'oauth2',
    'raw',
    'urlencoded',
    'formdata',
    'graphql',
    'test',
    'Http',
    'Authorization',
    'Bearer x',
    'base64',
    'multipart/form-data',
    '__proto__',
    'jwt',
  ),
  fc.string({ maxLength: 10 }),
)

function anything(members: readonly string[]): fc.Arbitrary<unknown> {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5, depthSize: 'medium' },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...members), tie('value'), { maxKeys: 6 }),
    ),
  }))
  return value
}

function survives(take: () => unknown): void {
  try {
    take()
  } catch (error) {
    expect(error).toBeInstanceOf(RecordingError)
  }
}

test('a Postman collection', () => {
  fc.assert(
    fc.property(fc.array(anything(names.postman), { maxLength: 3 }), anything(names.postman), (item, more) => {
      survives(() => fromPostman({ ...Object(more), info: {}, item }, { environment: more }))
      const request = Object.assign({ url: 'https://api.example.com/x' }, more)
      survives(() => fromPostman({ info: {}, item: [{ request, response: item }] }))
    }),
    { numRuns: 200 },
  )
})

test('a HAR', () => {
  fc.assert(
    fc.property(fc.array(anything(names.har), { maxLength: 3 }), anything(names.har), (entries, more) => {
      survives(() => fromHar({ log: { ...Object(more), entries } }))
      const [request, response] = [
        Object.assign({ method: 'GET', url: 'https://api.example.com/x' }, more),
        { status: 200, ...Object(more) },
      ]
      survives(() => fromHar({ log: { _tokens: entries, entries: [{ request, response }] } }))
    }),
    { numRuns: 200 },
  )
})

test('a test set of Keploy', () => {
  fc.assert(
    fc.property(anything(names.keploy), (spec) => {
      const document = {
        kind: 'Http',
        spec: { req: { url: 'https://api.example.com/x', ...Object(spec) }, resp: spec, ...Object(spec) },
      }
      survives(() =>
        fromKeploy(
          new Map([
            ['a.yaml', stringify(document, { aliasDuplicateObjects: false })],
            ['secret.yaml', stringify(spec)],
          ]),
        ),
      )
    }),
    { numRuns: 200 },
  )
})
