import { fieldsOf, parseJson } from '../har/fields.ts'
import type { Har, HarEntry, Noise } from '../har/format.ts'
import { textWithoutPlaceholders } from '../redact/placeholder.ts'

/** Headers that differ whenever they like. */
const RESTLESS =
  /^(date|age|expires|etag|last-modified|set-cookie|content-length|x-request-id|x-correlation-id|.*-ray|traceparent|.*trace.*|via|server-timing|x-runtime|x-response-time|keep-alive|connection)$/i

/**
 * Finds what differs between two recordings of the same: dates, ids, counters. Pass it to `replay` as `assert.noise`, or
 * keep it in the recording with {@link withNoise}.
 *
 * @example
 *   import { findNoise, replay, withNoise, type Har } from 'tokenward/testing'
 *
 *   export const quiet = (first: Har, second: Har): Har => withNoise(first, findNoise(first, second))
 */
export function findNoise(first: Har, second: Har): Noise[] {
  const others = new Map<string, HarEntry[]>()
  for (const entry of second.log.entries) {
    const name = nameOf(entry)
    others.set(name, [...(others.get(name) ?? []), entry])
  }
  const found = new Map<string, Noise>()
  for (const [index, entry] of first.log.entries.entries()) {
    const other = others.get(nameOf(entry))?.shift()
    if (!other) continue
    for (const path of [...differingHeaders(entry, other), ...differingFields(entry, other)]) {
      found.set(`${index} ${path}`, { entry: index, path })
    }
  }
  return [...found.values()]
}

/** The recording, with this noise beside what it has. */
export function withNoise(har: Har, noise: readonly Noise[]): Har {
  const { entries, _noise = [], ...head } = har.log
  const all = new Map([..._noise, ...noise].map((one) => [`${one.entry ?? ''} ${one.path}`, one]))
  return { log: { ...head, _noise: [...all.values()], entries } }
}

/** Whether `path` of an entry is noise. */
export function isNoise(noise: readonly Noise[], entry: number, path: readonly string[]): boolean {
  return noise.some((one) => (one.entry ?? entry) === entry && matches(one.path.split('.'), path))
}

/** Two values that differ as values of their sort do: two instants, two UUIDs, two long numbers that are instants. */
export function isRestless(name: string, expected: unknown, actual: unknown): boolean {
  if (/^(iat|exp|nbf|auth_time|expires_?in|expires_?at|jti|nonce|(request|trace|correlation)_?id)$/i.test(name))
    return true
  if (typeof expected !== typeof actual) return false
  if (typeof expected === 'number') return isInstant(expected) && isInstant(Number(actual))
  return [DATE, UUID].some((pattern) => pattern.test(String(expected)) && pattern.test(String(actual)))
}

export function isRestlessHeader(name: string): boolean {
  return RESTLESS.test(name)
}

const DATE =
  /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$|^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

/** Seconds or milliseconds since 1970, in this century. */
function isInstant(value: number): boolean {
  return Number.isFinite(value) && ((value > 1e9 && value < 5e9) || (value > 1e12 && value < 5e12))
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  const isLonger = pattern.at(-1) === '**'
  if (!isLonger && pattern.length !== path.length) return false
  return pattern.every((part, index) => part === '*' || part === '**' || part === path[index])
}

function differingHeaders(entry: HarEntry, other: HarEntry): string[] {
  const values = new Map(other.response.headers.map(({ name, value }) => [name.toLowerCase(), value]))
  return entry.response.headers
    .filter(({ name, value }) => !isRestlessHeader(name) && differ(value, values.get(name.toLowerCase())))
    .map(({ name }) => `header.${name.toLowerCase()}`)
}

function differingFields(entry: HarEntry, other: HarEntry): string[] {
  const [mine, theirs] = [entry, other].map(({ response }) => parseJson(response.content.text))
  if (mine === undefined || theirs === undefined) {
    return differ(entry.response.content.text, other.response.content.text) ? ['body'] : []
  }
  const values = new Map(fieldsOf(theirs).map(({ path, value }) => [path.join('.'), value]))
  return fieldsOf(mine)
    .filter(({ path, value }) => values.has(path.join('.')) && differ(value, values.get(path.join('.'))))
    .map(({ path }) => ['body', ...path.map((part) => (/^\d+$/.test(part) ? '*' : part))].join('.'))
}

/** What stands for a secret is the same in both, or is compared when it is replayed. */
function differ(one: unknown, other: unknown): boolean {
  if (one === other) return false
  const [a, b] = [one, other].map((value) => (typeof value === 'string' ? textWithoutPlaceholders(value) : value))
  return a !== b
}

/** The same request in another recording; where it was recorded does not matter. */
function nameOf({ request }: HarEntry): string {
  const { pathname } = new URL(request.url)
  return `${request.method} ${pathname}`
}
