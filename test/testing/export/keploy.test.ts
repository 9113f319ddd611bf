import { parseAllDocuments } from 'yaml'
import fc from 'fast-check'
import { toKeploy, withNoise, type Har } from 'tokenward/testing'
import { expect, test } from 'vitest'
import { toYaml, type Yaml } from '../../../src/testing/export/yaml.ts'
import { api, recording, reference, shop, story } from '../servers/recording.ts'

const documents = (text: string): unknown[] => parseAllDocuments(text).map((one) => one.toJS() as unknown)

/** The members that Keploy's strict reader knows, of a test and of a mock. */
const MEMBERS = {
  test: ['version', 'kind', 'name', 'spec'],
  spec: [
    'metadata',
    'req',
    'resp',
    'objects',
    'assertions',
    'created',
    'app_port',
    'reqTimestampMock',
    'resTimestampMock',
  ],
  req: ['method', 'proto_major', 'proto_minor', 'url', 'url_params', 'header', 'body', 'form', 'timestamp'],
  resp: ['status_code', 'header', 'body', 'status_message', 'proto_major', 'proto_minor', 'timestamp'],
}

function unknownMembers(document: unknown): string[] {
  const { spec, ...rest } = document as { spec: { req: object; resp: object } }
  return [
    ...Object.keys(rest).filter((name) => ![...MEMBERS.test, 'connectionId'].includes(name)),
    ...Object.keys(spec).filter((name) => !MEMBERS.spec.includes(name)),
    ...Object.keys(spec.req).filter((name) => !MEMBERS.req.includes(name)),
    ...Object.keys(spec.resp).filter((name) => !MEMBERS.resp.includes(name)),
  ]
}

test('each request is a test case with the members that Keploy reads, and those of other servers are mocks', () => {
  const { files, secrets } = toKeploy(story, { set: 'set-1', third: [shop] })
  const names = [...files.keys()]
  expect(names.filter((name) => name.startsWith('set-1/tests/'))).toHaveLength(story.log.entries.length - 1)
  expect(names.slice(-2)).toEqual(['set-1/mocks.yaml', 'set-1/.gitignore'])
  expect(files.get('set-1/.gitignore')).toContain('/secret.yaml')
  for (const [name, text] of files)
    if (name.endsWith('.yaml')) for (const one of documents(text)) expect(unknownMembers(one)).toEqual([])
  expect(unknownMembers({ spec: { req: { methd: '' }, resp: {} } })).toEqual(['methd'])
  expect(secrets).toContain('access_p1_1')
  const [first] = documents(files.get('set-1/tests/test-2.yaml') ?? '')
  expect(first).toMatchObject({
    kind: 'Http',
    spec: { req: { url: `${api}/me`, header: { Authorization: 'Bearer {{string .secret.access_p1_1 }}' } } },
  })
  const [mock] = documents(files.get('set-1/mocks.yaml') ?? '')
  expect(mock).toMatchObject({
    spec: { metadata: { type: 'HTTP_CLIENT' }, req: { url: `${shop}/charges` } },
    connectionId: '0',
  })
})

test('a brace of the recording that is no placeholder is no template of Go', () => {
  const har = recording([{ url: `${api}/t`, send: { text: '{{ .Env }} {{access_p1_1}}' } }], [reference('access_p1_1')])
  const [one] = documents(toKeploy(har).files.get('recording/tests/test-1.yaml') ?? '')
  expect(one).toMatchObject({
    spec: { req: { body: '{"text":"{{"{{"}} .Env }} {{string .secret.access_p1_1 }}"}' } },
  })
})

test('what is known to differ is noise of the test case', () => {
  const har: Har = withNoise(recording([{ url: `${api}/now`, answer: { at: 1 } }], []), [{ path: 'body.at' }])
  const [one] = documents(toKeploy(har).files.get('recording/tests/test-1.yaml') ?? '')
  expect(one).toMatchObject({ spec: { assertions: { noise: { 'body.at': [], 'header.Date': [] } } } })
})

test('a set whose name leads out of its folder is refused', () => {
  expect(() => toKeploy(story, { set: '../../etc' })).toThrow(TypeError)
})

test('whatever is written as YAML is read as it was', () => {
  const leaf = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom('yes', '~', '- a', '#', '1e3', '<<', '2025-01-01'),
  )
  const { value } = fc.letrec<{ value: Yaml }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string({ minLength: 1 }), tie('value'), { maxKeys: 4 }),
    ),
  }))
  fc.assert(
    fc.property(value, (given) => {
      const root = { given, other: 'x' }
      expect(documents(toYaml(root))).toEqual([JSON.parse(JSON.stringify(root))])
    }),
    { numRuns: 300 },
  )
})
