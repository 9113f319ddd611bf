import { parseAllDocuments } from 'yaml'

// What Keploy decodes a test set into, as its sources say (keploy/keploy, version 3: `NetworkTrafficDoc`, `HTTPSchema`, `HTTPReq`,
// `HTTPResp`, `FormData`, `AssertionType`). Its own reader passes over what it does not know: a name that is misspelt would
// be lost in silence, and a value of another type ends it. Here both are problems.

type Check = (value: unknown, path: string) => string[]

const is =
  (what: string, holds: (value: unknown) => boolean): Check =>
  (value, path) =>
    holds(value) ? [] : [`${path} is no ${what}`]
const text = is('text', (value) => typeof value === 'string')
const flag = is('boolean', (value) => typeof value === 'boolean')
const integer = (least: number, most: number): Check =>
  is(
    `integer from ${least} to ${most}`,
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  )
const int = integer(-(2 ** 53), 2 ** 53)
/** As YAML knows it: a text in quotes is none for Go. */
const time = is('time', (value) => value instanceof Date && !Number.isNaN(value.getTime()))
const anything: Check = () => []

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)

const listOf =
  (item: Check): Check =>
  (value, path) =>
    Array.isArray(value) ? value.flatMap((one, index) => item(one, `${path}.${index}`)) : [`${path} is no list`]

const mapOf =
  (member: Check, names?: readonly string[]): Check =>
  (value, path) => {
    if (!isMap(value)) return [`${path} is no map`]
    return Object.entries(value).flatMap(([name, one]) => [
      ...(names && !names.includes(name) ? [`${path}.${name} is not known`] : []),
      ...member(one, `${path}.${name}`),
    ])
  }

/** A struct: a name that ends with `?` may be missing. */
const struct =
  (members: Readonly<Record<string, Check>>): Check =>
  (value, path) => {
    if (!isMap(value)) return [`${path} is no map`]
    const known = new Map(Object.entries(members).map(([name, check]) => [name.replace('?', ''), check]))
    const missing = Object.keys(members).filter((name) => !name.endsWith('?') && !(name in value))
    return [
      ...missing.map((name) => `${path}.${name} is missing`),
      ...Object.entries(value).flatMap(
        ([name, one]) => known.get(name)?.(one, `${path}.${name}`) ?? [`${path}.${name} is not known`],
      ),
    ]
  }

const texts = mapOf(text)
const form = struct({ key: text, 'values?': listOf(text), 'paths?': listOf(text) })
const request = struct({
  ...{ method: text, proto_major: int, proto_minor: int, url: text, 'url_params?': texts, header: texts, body: text },
  ...{ 'body_ref?': struct({ path: text, size: int }), 'binary?': text, 'form?': listOf(form), timestamp: time },
})
const chunk = struct({ 'ts?': text, data: anything })
const response = struct({
  ...{ status_code: integer(100, 599), header: texts, 'body_skipped?': flag, 'body_size?': int, status_message: text },
  ...{ proto_major: int, proto_minor: int, 'binary?': text, timestamp: time },
  body: (value, path) => (Array.isArray(value) ? listOf(chunk) : text)(value, path),
})
const ASSERTIONS = [
  ...['noise', 'status_code', 'status_code_class', 'status_code_in', 'header_equal', 'header_contains'],
  ...['header_exists', 'header_matches', 'json_equal', 'json_contains'],
]
const assertions: Check = (value, path) => [
  ...mapOf(anything, ASSERTIONS)(value, path),
  ...mapOf(listOf(text))(Object(value)['noise'] ?? {}, `${path}.noise`),
]
const spec = {
  ...{ metadata: texts, req: request, resp: response, objects: listOf(anything), 'created?': int },
}
const document = { version: text, kind: is('Http', (value) => value === 'Http'), name: text }
const testCase = struct({
  ...document,
  spec: struct({ ...spec, 'assertions?': assertions, 'app_port?': integer(0, 65_535) }),
  'curl?': text,
})
const mock = struct({
  ...document,
  spec: struct({ ...spec, 'reqTimestampMock?': time, 'resTimestampMock?': time }),
  'connectionId?': text,
})

/** What of an export Keploy could not read, or would not notice. */
export function problemsOfKeploy(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([path, content]) => {
    if (!path.endsWith('.yaml')) return []
    const read = parseAllDocuments(content, { customTags: ['timestamp'] })
    const check = path.endsWith('mocks.yaml') ? mock : testCase
    return read.flatMap((one, index) => [
      ...one.errors.map(({ message }) => `${path}: ${message}`),
      ...check(one.toJS(), `${path}#${index}`),
    ])
  })
}
