import { parseAllDocuments } from 'yaml'
import fc from 'fast-check'
import { toKeploy, withNoise, type Har } from 'tokenward/testing'
import { expect, test } from 'vitest'
import { toYaml, type Yaml } from '../../../src/testing/export/yaml.ts'
import { problemsOfKeploy } from '../keploy-structs.ts'
import { api, recording, reference, shop, story } from '../servers/recording.ts'

const documents = (text: string): unknown[] => parseAllDocuments(text).map((one) => one.toJS() as unknown)

test('each request is a test case with the members that Keploy reads, and those of other servers are mocks', () => {
  const { files, secrets } = toKeploy(story, { set: 'set-1', third: [shop] })
  const names = [...files.keys()]
  expect(names.filter((name) => name.startsWith('set-1/tests/'))).toHaveLength(story.log.entries.length - 1)
  expect(names.slice(-2)).toEqual(['set-1/mocks.yaml', 'set-1/.gitignore'])
  expect(files.get('set-1/.gitignore')).toContain('/secret.yaml')
  expect(problemsOfKeploy(files)).toEqual([])
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

test('an export of whatever HAR holds is what Keploy reads', () => {
  const answerHeaders = { 'set-cookie': 'a=1', date: 'Sun, 22 Nov 2026 08:00:00 GMT', 'x-number': '7' }
  const har = recording(
    [
      { url: `${api}/form`, send: { yes: 'no', at: '2026-11-22', n: 1e3 }, answerHeaders, status: 201, answer: null },
      { url: 'http://localhost:8080/plain?a=1&b=%7B', headers: { 'x-null': 'null', '~': 'y' }, answer: '2026-11-22' },
      { url: `${shop}/charges`, token: 'access_p2_1', answer: [] },
    ],
    [reference('access_p2_1')],
  )
  const { files } = toKeploy(withNoise(har, [{ path: 'body.at' }]), { third: [shop] })
  expect([files.size, problemsOfKeploy(files)]).toEqual([4, []])
})

test.each([
  ['a name that is misspelt', 'status_message:', 'status_mesage:', /status_message is missing/],
  ['a time in quotes', /timestamp: (\S+)/, 'timestamp: "$1"', /timestamp is no time/],
  ['a header that is a number', /Host: .*/, 'Host: 5', /header\.Host is no text/],
  ['noise that is a list', /noise:[^]*?(?=\n {2}created)/, 'noise: []', /noise is no map/],
  ['an assertion of nobody', 'noise:', 'noize:', /noize is not known/],
])('the check bites: %s', (_, from, to, problem) => {
  const files = new Map([...toKeploy(story).files].map(([name, text]) => [name, text.replace(from, to)]))
  expect(problemsOfKeploy(files).join('\n')).toMatch(problem)
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
