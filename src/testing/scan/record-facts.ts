import { isRecord } from './history.ts'

type Fact = 'authorization' | 'url' | 'host' | 'method' | 'status' | 'ip' | 'userAgent'

/** What a record of a log says, by what it calls it: every program has names of its own, and most end alike. */
const NAMES: Readonly<Record<Fact, RegExp>> = {
  authorization: /(?:^|header|headers|request|req|http)authorization0?$/,
  url: /(?:^|request|req|http|original)(?:url|urlfull|urlpath|urloriginal|uri|path|target|resourcepath)$/,
  host: /(?:^|request|req|http|headers?)(?:host|authority|urldomain)0?$/,
  method: /method$/,
  status: /(?:^|response|res|downstream|http|origin)(?:status|statuscode|responsestatuscode|code)$/,
  ip: /(?:(?:remote|client|source|peer|downstreamremote)(?:addr|address|ip|host)|^ip|identitysourceip|requestip)$/,
  userAgent: /useragent(?:original)?0?$/,
}

/** Where a time may stand. */
const TIMES = /(?:time|timestamp|date|startedat|startutc|utc|iso8601|timelocal)$|^(?:ts|t|msec|asctime)$/
/** Before it nobody wrote a log that is read now; a smaller number is a duration. */
const FIRST_LOG = Date.UTC(2000)

export interface Facts {
  /** `undefined`: it does not say. */
  get(fact: Fact): string | undefined
  /** Epoch milliseconds. `NaN`: it does not say. */
  time(): number
}

/** Deeper, and in longer records, nothing is looked for. */
const MAX_DEPTH = 5
const MAX_LEAVES = 500

export function createFacts(record: Readonly<Record<string, unknown>>): Facts {
  let leaves: { readonly name: string; readonly value: string }[] | undefined
  return {
    get(fact) {
      leaves ??= [...leavesOf(record, '', 0)].slice(0, MAX_LEAVES)
      return leaves.find(({ name }) => NAMES[fact].test(name))?.value
    },
    time() {
      const times = Object.entries(record).filter(([name]) => TIMES.test(plain(name)))
      return times.map(([, value]) => instantOf(value)).find((at) => at > FIRST_LOG) ?? NaN
    },
  }
}

function instantOf(value: unknown): number {
  if (typeof value === 'string' && !/^\d+(?:\.\d+)?$/.test(value)) return parseInstant(value)
  const at = Number(value ?? NaN)
  // Seconds until the year 5138, milliseconds since 1973, then micro- and nanoseconds.
  return at < 1e11 ? at * 1_000 : at < 1e14 ? at : at < 1e17 ? at / 1e3 : at / 1e6
}

/** Without case and separators. */
const plain = (name: string): string => name.replaceAll(/[^a-z\d]/gi, '').toLowerCase()

function* leavesOf(
  value: unknown,
  name: string,
  depth: number,
): Generator<{ readonly name: string; readonly value: string }> {
  if (typeof value === 'string' || typeof value === 'number') yield { name, value: String(value) }
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return
  for (const [key, inner] of Object.entries(value)) yield* leavesOf(inner, name + plain(key), depth + 1)
}

/** `key=value key="a value"`, as Go's slog, Heroku and Grafana write it. `undefined`: it is none. */
export function readLogfmt(line: string): Record<string, string> | undefined {
  if (!/^[\w.@]{1,64}=/.test(line)) return undefined
  const pairs = [...line.matchAll(/(?<![^\s])([\w.@-]{1,64})=(?:"((?:[^"\\]|\\.){0,8192})"|(\S{0,8192}))/g)]
  const record = Object.fromEntries(
    pairs.map(([, name = '', quoted, bare = '']) => [name, quoted?.replaceAll(/\\(.)/g, '$1') ?? bare]),
  )
  return pairs.length > 2 ? record : undefined
}

/** `24/Nov/2026:08:12:01 +0000`, what `Date.parse` takes, and the comma that Python and Java put before milliseconds. */
export function parseInstant(text: string): number {
  const [, day, month = '', year, hours, minutes, seconds, sign, offsetHours, offsetMinutes] = CLF.exec(text) ?? []
  if (day === undefined) {
    const iso = text.replace(/^(\d{4}-\d{2}-\d{2}) (?=\d)/, '$1T').replace(/,(?=\d+)/, '.')
    // What says nothing of a zone is UTC, as logs are.
    return Date.parse(/^\d{4}-\d{2}-\d{2}T[\d:.]+$/.test(iso) ? `${iso}Z` : iso)
  }
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * (sign === '-' ? -1 : 1)
  const at = Date.UTC(Number(year), MONTHS.indexOf(month), Number(day), Number(hours), Number(minutes), Number(seconds))
  return at - offset * 60_000
}

const CLF = /^(\d{2})\/(\w{3})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export function valueAt(record: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => {
    if (Array.isArray(value)) return (value as readonly unknown[])[Number(name)]
    return isRecord(value) ? value[name] : undefined
  }, record)
}

export function textAt(record: unknown, ...paths: readonly string[]): string | undefined {
  for (const path of paths) {
    const value = valueAt(record, path)
    if (typeof value === 'string' || typeof value === 'number') return String(value)
  }
  return undefined
}
