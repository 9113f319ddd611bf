import type { Har, HarEntry, HarPair, HarPostData, Noise } from '../har/format.ts'
import { invalid, isPlace, numberOf, type Place, placesIn, textOf } from './place.ts'
import { type ImportOptions, mimeTypeOf, toHarEntry, toRecording } from './recording.ts'
import { createStandIns } from './stand-ins.ts'
import { createVariables, type Variables } from './variables.ts'
import { parseYaml } from './yaml.ts'

export interface FromKeployOptions extends ImportOptions {
  /** Values of variables, by the last part of their name. They count before those of `secret.yaml`. */
  readonly values?: Readonly<Record<string, string>>
}

/** `{{string .secret.access_p1_1 }}`, `{{ .token }}`; and a text in quotes, which is itself. */
const TEMPLATE = /\{\{-?\s*(?:(?:string|int|float)\s+)?\.(?:\w+\.)*(\w+)\s*-?\}\}/g
const LITERAL = /\{\{"((?:[^"\\]|\\.)*)"\}\}/g

/**
 * A test set of Keploy as a recording: its HTTP test cases and its HTTP mocks, in the order of their times. What else
 * Keploy mocks (databases, queues) is left out; noise is kept.
 *
 * @param files The texts of the files by their path: `tests/test-1.yaml`, `mocks.yaml`, and `secret.yaml` if there is one.
 *   Its values are needed to know which of them are tokens, and are not in what comes out.
 * @throws {@link RecordingError} `invalid_import`, `missing_value`: the message names the file and the cure.
 *
 * @example
 *   import { fromKeploy } from 'tokenward/testing'
 *
 *   const text = await fetch('/keploy/test-set-0/tests/test-1.yaml').then((response) => response.text())
 *   const recording = fromKeploy(new Map([['tests/test-1.yaml', text]]))
 */
export function fromKeploy(
  files: ReadonlyMap<string, string>,
  { values = {}, ...options }: FromKeployOptions = {},
): Har {
  const secrets: [string, string][] = []
  const cases: { readonly path: string; readonly spec: Place; readonly at: number }[] = []
  for (const [path, text] of files) {
    if (!/\.(?:ya?ml|json)$/i.test(path) || /(?:^|\/)config\.(?:ya?ml|json)$/i.test(path)) continue
    for (const document of documentsOf(path, text)) {
      if (/(?:^|\/)secret\.(?:ya?ml|json)$/i.test(path)) {
        secrets.push(
          ...Object.entries(isPlace(document) ? document : {}).map(
            ([key, value]) => [key, textOf(value)] as [string, string],
          ),
        )
      } else if (isPlace(document) && document['kind'] === 'Http' && isPlace(document['spec'])) {
        const { spec } = document
        cases.push({ path, spec, at: Date.parse(textOf(partOf(spec, 'req')['timestamp'])) || 0 })
      }
    }
  }
  if (cases.length === 0) {
    throw invalid(
      'there is no HTTP test case of Keploy in these files. Give the folder of a test set, such as keploy/test-set-0',
    )
  }
  cases.sort((a, b) => a.at - b.at)
  const standIns = createStandIns()
  const variables = createVariables(TEMPLATE, { values: new Map([...secrets, ...Object.entries(values)]), standIns })
  const entries = cases.map(({ path, spec }, index) => toKeployEntry(spec, { path, variables, index }))
  const { log } = toRecording(entries, { ...options, standIns })
  // What is not wanted is not among the entries, and noise would be that of another one.
  const noise = options.include === undefined ? cases.flatMap(({ spec }, entry) => noiseOf(spec, entry)) : []
  return { log: { ...log, ...(noise.length > 0 && { _noise: noise }) } }
}

/** YAML, or JSON where Keploy was told to write that: a document, or one in each line. */
function documentsOf(path: string, text: string): unknown[] {
  const isJson = /\.json$/i.test(path)
  try {
    if (!isJson) return parseYaml(text)
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    return /^\{.*\}\s*$/.test(lines[0] ?? '') ? lines.map((line) => JSON.parse(line) as unknown) : [JSON.parse(text)]
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // What JSON says of an error quotes the text: it may be a secret.
    throw invalid(isJson ? `${path} is not JSON` : `${path}, ${error.message}`)
  }
}

function partOf(spec: Place, name: string): Place {
  const part = spec[name]
  return isPlace(part) ? part : {}
}

interface About {
  readonly path: string
  readonly variables: Variables
  readonly index: number
}

function toKeployEntry(spec: Place, { path, variables, index }: About): HarEntry {
  const [req, resp] = [partOf(spec, 'req'), partOf(spec, 'resp')]
  const fill = (value: unknown): string =>
    variables.fill(textOf(value)).replace(LITERAL, (_, text: string) => text.replace(/\\(.)/g, '$1'))
  const host = pairsOf(req['header'], fill).find(({ name }) => name.toLowerCase() === 'host')?.value
  const asked = fill(req['url'])
  // Keploy 1 wrote the path alone.
  const url = asked.startsWith('/') && host !== undefined ? `http://${host}${asked}` : asked
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw invalid(`${path}: its spec.req.url is not a URL of http: or https:`)
  const headers = pairsOf(req['header'], fill).filter(({ name }) => name.toLowerCase() !== 'host')
  const answered = pairsOf(resp['header'], fill)
  const startedAt = instantOf(req['timestamp'])
  return toHarEntry(
    {
      method: textOf(req['method']) || 'GET',
      url,
      headers,
      postData: bodyOf(req, { headers, fill }),
      status: numberOf(resp['status_code'], NaN),
      statusText: textOf(resp['status_message']),
      answered,
      answer: resp['body_skipped'] === true ? undefined : fill(answerOf(resp['body'], answered)),
      startedAt: new Date(startedAt).toISOString(),
      timeMs: Math.max(0, instantOf(resp['timestamp']) - startedAt),
    },
    index,
  )
}

function bodyOf(
  req: Place,
  { headers, fill }: { headers: readonly HarPair[]; fill: (value: unknown) => string },
): HarPostData | undefined {
  const mimeType = mimeTypeOf(headers)
  const form = placesIn(req['form'])
  if (form.length > 0) {
    const params = form.flatMap(({ key, values, paths }) => [
      ...(Array.isArray(values) ? values : []).map((value: unknown) => ({ name: fill(key), value: fill(value) })),
      ...(Array.isArray(paths) ? paths : []).map((file: unknown) => ({
        name: fill(key),
        fileName: textOf(file).replace(/^.*[\\/]/s, ''),
      })),
    ])
    return { mimeType: mimeType || 'multipart/form-data', params }
  }
  const text = fill(req['body'])
  return text === '' ? undefined : { mimeType, text }
}

/** A text, or the pieces of a stream: events, lines. */
function answerOf(body: unknown, headers: readonly HarPair[]): unknown {
  if (!Array.isArray(body)) return body
  const isEvents = /^text\/event-stream/i.test(mimeTypeOf(headers))
  const pieces = placesIn(body).map(({ data }) => {
    if (!isPlace(data)) return textOf(data)
    if (!isEvents) return textOf(data['raw'] ?? Object.values(data)[0])
    return Object.entries(data)
      .flatMap(([name, value]) =>
        textOf(value)
          .split('\n')
          .map((line) => `${name === 'comment' ? '' : name}:${line}`),
      )
      .join('\n')
  })
  return isEvents ? pieces.map((piece) => `${piece}\n\n`).join('') : pieces.join('\n')
}

function instantOf(value: unknown): number {
  const at = Date.parse(textOf(value))
  // Keploy writes the first day of the year 1 where it does not know.
  return Number.isNaN(at) || at < 0 ? 0 : at
}

function pairsOf(headers: unknown, fill: (value: unknown) => string): HarPair[] {
  return Object.entries(isPlace(headers) ? headers : {}).map(([name, value]) => ({ name, value: fill(value) }))
}

function noiseOf(spec: Place, entry: number): Noise[] {
  const { noise } = partOf(spec, 'assertions')
  // Keploy 1 had a list of names.
  const paths = Array.isArray(noise) ? noise.map(textOf) : Object.keys(isPlace(noise) ? noise : {})
  return paths.filter((path) => /^(?:body|header)\./.test(path)).map((path) => ({ entry, path }))
}
