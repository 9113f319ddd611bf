import type { Har, HarEntry, HarPair } from '../har/format.ts'
import { invalid, isPlace, numberOf, type Place, placesIn, textOf } from './place.ts'
import { credentialOf } from './postman-auth.ts'
import { bodyOf } from './postman-body.ts'
import { type ImportOptions, toHarEntry, toRecording } from './recording.ts'
import { createStandIns } from './stand-ins.ts'
import { createVariables, type Variables } from './variables.ts'

export interface FromPostmanOptions extends ImportOptions {
  /** The environment that goes with the collection, as it was exported. */
  readonly environment?: unknown
  /** Values of variables: they count before those of the environment, and those before the ones of the collection. */
  readonly values?: Readonly<Record<string, string>>
}

/** Folders in folders: deeper, nobody goes. */
const MAX_DEPTH = 50

/**
 * A Postman collection (2.1 or 2.0) as a recording. Each saved example is an exchange; a request without one is an
 * exchange whose answer has the status that its test asks for, or else 200, and nothing more. Scripts do not run.
 *
 * A variable without a value may be a token: that shows in how it is used.
 *
 * @param collection What is in the file, as an object.
 * @throws {@link RecordingError} `invalid_import`, `missing_value`: the message names the item and the cure.
 *
 * @example
 *   import { fromPostman } from 'tokenward/testing'
 *
 *   const collection = await fetch('/orders.postman_collection.json').then((response) => response.json())
 *   const recording = fromPostman(collection, { values: { baseUrl: 'https://api.example.com' } })
 */
export function fromPostman(
  collection: unknown,
  { environment, values = {}, ...options }: FromPostmanOptions = {},
): Har {
  if (!isPlace(collection) || !isPlace(collection['info']) || !Array.isArray(collection['item'])) {
    const isOld = isPlace(collection) && Array.isArray(collection['requests'])
    throw invalid(
      isOld
        ? 'this is a Postman collection of format 1: export it anew as "Collection v2.1"'
        : 'this is no Postman collection: it has no info and item. Export it as "Collection v2.1"',
    )
  }
  const standIns = createStandIns()
  const given = new Map([
    ...variablesOf(collection['variable']),
    ...variablesOf(isPlace(environment) ? environment['values'] : undefined),
    ...Object.entries(values),
  ])
  const variables = createVariables(/\{\{([^{}]{1,128})\}\}/g, { values: given, standIns })
  const entries: HarEntry[] = []
  for (const one of requestsIn(collection, { auth: collection['auth'], name: '', depth: 0 }))
    for (const entry of entriesOf(one, { variables, index: entries.length })) entries.push(entry)
  if (entries.length === 0) throw invalid('there is no request in this Postman collection')
  return toRecording(entries, { ...options, standIns })
}

function variablesOf(list: unknown): [string, string][] {
  return placesIn(list)
    .filter((one) => one['enabled'] !== false && one['disabled'] !== true)
    .map((one) => [textOf(one['key'] ?? one['id']), textOf(one['value'])])
}

interface Found {
  readonly item: Place
  /** Of the item, or of the folders around it. */
  readonly auth: unknown
  /** With the names of its folders, for messages. */
  readonly name: string
}

function* requestsIn(
  folder: Place,
  { auth, name, depth }: { auth: unknown; name: string; depth: number },
): Generator<Found> {
  if (depth > MAX_DEPTH) throw invalid(`there are more than ${MAX_DEPTH} folders in each other`)
  for (const [index, item] of placesIn(folder['item']).entries()) {
    const here = `${name}${name && ' / '}${nameOf(item, index)}`
    if (Array.isArray(item['item'])) {
      yield* requestsIn(item, { auth: item['auth'] ?? auth, name: here, depth: depth + 1 })
    } else if (item['request'] !== undefined) yield { item, auth, name: here }
  }
}

/** Short, and on one line. */
function nameOf(item: Place, index: number): string {
  const name = textOf(item['name'])
    .replaceAll(/[^\w /.-]/g, '')
    .trim()
  return name === '' || name.length > 60 ? `item ${index + 1}` : name
}

function entriesOf(
  { item, auth, name }: Found,
  { variables, index }: { variables: Variables; index: number },
): HarEntry[] {
  const examples = placesIn(item['response'])
  const said = examples.length > 0 ? examples : [{ code: statusIn(item) }]
  return said.map((example, at) => {
    const own = isPlace(example['originalRequest']) ? example['originalRequest'] : {}
    const whole = item['request']
    const request = { ...(isPlace(whole) ? whole : { url: whole }), ...own }
    const answered = pairsOf(example['header'], variables.fillAnswer)
    return toHarEntry(
      {
        ...toRequest(request, { auth, name, variables }),
        status: numberOf(example['code'], 200),
        statusText: textOf(example['status']),
        answered,
        answer: variables.fillAnswer(textOf(example['body'])),
        // A collection knows no time, only an order.
        startedAt: new Date((index + at) * 1_000).toISOString(),
        timeMs: numberOf(example['responseTime'], 0),
      },
      index + at,
    )
  })
}

function toRequest(request: Place, { auth, name, variables }: { auth: unknown; name: string; variables: Variables }) {
  const url = urlOf(request['url'], variables)
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw invalid(
      `${name}: its URL does not begin with http:// or https://. Give the variable that it begins with (baseUrl) in \`values\`, or the environment`,
    )
  }
  const headers = pairsOf(request['header'], variables.fill)
  const has = (wanted: string): boolean => headers.some((one) => one.name.toLowerCase() === wanted)
  const postData = bodyOf(request['body'], { headers, name, fill: variables.fill })
  if (postData && postData.mimeType !== '' && !has('content-type') && !postData.params)
    headers.push({ name: 'Content-Type', value: postData.mimeType })
  const credential = credentialOf(request['auth'] ?? auth, { name, fill: variables.fill })
  if (credential?.in === 'header' && !has(credential.name.toLowerCase())) headers.push(credential)
  const sent = new URL(url)
  if (credential?.in === 'query') sent.searchParams.set(credential.name, credential.value)
  return {
    method: (textOf(request['method']) || 'GET').toUpperCase(),
    url: credential?.in === 'query' ? sent.href : url,
    headers: headers.map((one) => ({ name: one.name, value: one.value })),
    postData,
  }
}

function urlOf(url: unknown, { fill }: Variables): string {
  if (!isPlace(url)) return fill(textOf(url))
  const list = (value: unknown, by: string): string =>
    Array.isArray(value) ? value.map(textOf).join(by) : textOf(value)
  const query = placesIn(url['query'])
    .filter((one) => one['disabled'] !== true)
    .map((one) => (one['value'] === null ? textOf(one['key']) : `${textOf(one['key'])}=${textOf(one['value'])}`))
    .join('&')
  const protocol = textOf(url['protocol'])
  const parts = `${protocol && `${protocol}://`}${list(url['host'], '.')}/${list(url['path'], '/')}${query && `?${query}`}`
  const raw = textOf(url['raw']) || parts
  const values = new Map(placesIn(url['variable']).map((one) => [textOf(one['key']), textOf(one['value'])]))
  // `/orders/:id`
  const path = raw.replaceAll(/(?<=\/):([\w-]{1,64})/g, (whole, key: string) => values.get(key) ?? whole)
  const filled = fill(path.replace(/#.*$/s, ''))
  return /^[\w.-]+(?::\d+)?(?:\/|$)/.test(filled) ? `http://${filled}` : filled
}

function pairsOf(list: unknown, fill: (text: string) => string): HarPair[] {
  return placesIn(list)
    .filter((one) => one['disabled'] !== true)
    .map((one) => ({ name: textOf(one['key']), value: fill(textOf(one['value'])) }))
}

/** The status that a test asks for. */
function statusIn(item: Place): number {
  const scripts = placesIn(item['event'])
    .filter((one) => one['listen'] === 'test')
    .map(({ script }) => (isPlace(script) ? script['exec'] : script))
  const text = scripts.flat().map(textOf).join('\n')
  const found = /\bto\.have\.status\((\d{3})\)|\bcode\)?\.to\.(?:be\.)?(?:eql?|equals?)\((\d{3})\)/.exec(text)
  return Number(found?.[1] ?? found?.[2] ?? 200)
}
