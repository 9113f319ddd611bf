import { parseJson } from '../har/fields.ts'
import type { HarEntry, Noise } from '../har/format.ts'
import { placeholdersIn } from '../redact/placeholder.ts'
import type { Came } from './send.ts'
import { isNoise, isRestless, isRestlessHeader } from './noise.ts'

/** What has to be as it was. */
export interface Assertions {
  /** Default true. */
  readonly status?: boolean
  /**
   * `'schema'`: the same members of the same types, in lists items like those that were there. `'exact'`: the same values but
   * noise, and but dates, UUIDs, `iat` and their like. `'ignore'`. Default `'schema'`.
   */
  readonly body?: 'schema' | 'exact' | 'ignore'
  /** Headers that have to be there with the same value, by name. Default: `content-type` alone, without its parameters. */
  readonly headers?: readonly string[]
  /** What may differ, beside what the recording says: `body.orders.*.at`, `header.etag`. */
  readonly noise?: readonly (string | Noise)[]
}

/** Something that is not as it was. */
export interface Difference {
  /** `status`, `header.content-type`, `body.orders.0.id`. */
  readonly path: string
  /** As it was recorded; without secrets, and cut when it is long. */
  readonly expected: string
  readonly actual: string
}

/** What differs between the answer that was recorded and the one that came. */
export function compare(
  { index, entry, came }: { index: number; entry: HarEntry; came: Came },
  { status = true, body = 'schema', headers = ['content-type'], noise = [] }: Assertions,
): Difference[] {
  const { response } = entry
  const differences: Difference[] = []
  const all = noise.map((one) => (typeof one === 'string' ? { path: one } : one))
  const add = (path: readonly string[], expected: unknown, actual: unknown): void => {
    if (isNoise(all, index, path)) return
    differences.push({ path: path.join('.'), expected: show(expected), actual: show(actual) })
  }
  if (status && response.status !== came.status) add(['status'], response.status, came.status)
  // What a refusal says is the business of whoever refuses; and another status has another body.
  if (response.status !== came.status) return differences

  for (const name of headers) {
    const [expected, actual] = [response.headers, came.headers].map((pairs) => valueOf(pairs, name))
    const isSame = name.toLowerCase() === 'content-type' ? typeOf(expected) === typeOf(actual) : same(expected, actual)
    const isRelevant = expected !== undefined && !isRestlessHeader(name)
    if (isRelevant && !isSame) add(['header', name.toLowerCase()], expected, actual)
  }
  const { text, encoding, _omitted } = response.content
  if (body === 'ignore' || _omitted !== undefined || encoding === 'base64') return differences
  const [expected, actual] = [parseJson(text), parseJson(came.text)]
  if (expected !== undefined) {
    if (actual === undefined) add(['body'], expected, came.text)
    else if (body === 'exact') compareExactly(expected, actual, ['body'], add)
    else compareShape(expected, actual, ['body'], add)
  } else if (body === 'exact' && !same(text ?? '', came.text ?? '')) add(['body'], text, came.text)
  return differences
}

type Add = (path: readonly string[], expected: unknown, actual: unknown) => void

function compareExactly(expected: unknown, actual: unknown, path: readonly string[], add: Add): void {
  if (isObject(expected) && isObject(actual) && Array.isArray(expected) === Array.isArray(actual)) {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const here = [...path, name]
      if (!Object.hasOwn(actual, name)) add(here, expected[name], MISSING)
      else if (!Object.hasOwn(expected, name)) add(here, MISSING, actual[name])
      else compareExactly(expected[name], actual[name], here, add)
    }
  } else if (!same(expected, actual) && !isRestless(path.at(-1) ?? '', expected, actual)) add(path, expected, actual)
}

function compareShape(expected: unknown, actual: unknown, path: readonly string[], add: Add): void {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const items: unknown[] = expected
    for (const [index, item] of (actual as unknown[]).entries()) {
      // An item like any of those that were there. How many there are is the business of the data.
      const isKnown = items.length === 0 || items.some((one) => isAlike(one, item))
      if (!isKnown) compareShape(items[index] ?? items[0], item, [...path, String(index)], add)
    }
    if (items.length > 0 && actual.length === 0) add(path, items, actual)
  } else if (isObject(expected) && isObject(actual) && !Array.isArray(expected) && !Array.isArray(actual)) {
    for (const [name, value] of Object.entries(expected)) {
      if (!Object.hasOwn(actual, name)) add([...path, name], value, MISSING)
      else compareShape(value, actual[name], [...path, name], add)
    }
    for (const name of Object.keys(actual)) {
      if (!Object.hasOwn(expected, name)) add([...path, name], MISSING, actual[name])
    }
    // What is null in one run may be something in the next.
  } else if (expected !== null && actual !== null && kindOf(expected) !== kindOf(actual)) add(path, expected, actual)
}

function isAlike(expected: unknown, actual: unknown): boolean {
  let differs = false
  compareShape(expected, actual, [], () => (differs = true))
  return !differs
}

/** A placeholder is whatever came in its place. */
function same(expected: unknown, actual: unknown): boolean {
  if (expected === actual) return true
  if (typeof expected !== 'string' || typeof actual !== 'string' || placeholdersIn(expected).length === 0) return false
  const parts = expected.split(/\{\{\w+\}\}|%7B%7B\w+%7D%7D/)
  let at = 0
  for (const [index, part] of parts.entries()) {
    const found = index === 0 ? (actual.startsWith(part) ? 0 : -1) : actual.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return actual.endsWith(parts.at(-1) ?? '')
}

const MISSING = Symbol('missing')

function show(value: unknown): string {
  if (value === MISSING || value === undefined) return 'missing'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 120 ? `${text.slice(0, 117)}...` : text
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'list' : typeof value
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function valueOf(
  pairs: readonly { readonly name: string; readonly value: string }[],
  name: string,
): string | undefined {
  return pairs.find((pair) => pair.name.toLowerCase() === name.toLowerCase())?.value
}

function typeOf(header: string | undefined): string | undefined {
  return header?.split(';')[0]?.trim().toLowerCase()
}
