import type { RuleId } from './rules.ts'
import type { Secret } from './secrets.ts'

/** What kind of text it is: a log that grows, a file that somebody keeps, or a dump of web storage. */
export type TextKind = 'log' | 'file' | 'storage'

/** What is known of a line before it is read. */
export interface LineContext {
  readonly kind: TextKind
  /** Columns of a W3C log that are the query or the referrer of a request: [start, end) offsets in the line. */
  readonly query?: readonly [number, number] | undefined
  readonly referer?: readonly [number, number] | undefined
  /** The URL that the line, or what it belongs to, was sent to. */
  readonly destination?: URL | undefined
  /** Origins that tokens may be sent to. `undefined`: not told. */
  readonly allowOrigins: ReadonlySet<string> | undefined
}

/** Which rules of leaks the place of `secret` in `line` breaks. */
export function rulesOfPlace(line: string, secret: Secret, context: LineContext): RuleId[] {
  const from = Math.min(secret.start, secret.nameStart)
  const runStart = startOfRun(line, from)
  const run = line.slice(runStart, from)
  const place = placeOf(line, { secret, from, runStart, run, context })
  const url = place === 'L1' || place === 'L2' ? urlOf(run) : undefined
  const destination = (place === 'L2' ? undefined : url) ?? context.destination
  const rules: RuleId[] = [place]
  if (place !== 'L2' && destination && isInsecure(destination)) rules.push('L3')
  if (destination && context.allowOrigins && !isAllowed(destination, context.allowOrigins)) rules.push('L4')
  return rules
}

/** An allowed host over http: is one fault, not two. */
function isAllowed({ origin }: URL, allowed: ReadonlySet<string>): boolean {
  return allowed.has(origin) || allowed.has(origin.replace(/^(http|ws):/, '$1s:'))
}

interface Where {
  readonly secret: Secret
  readonly from: number
  readonly runStart: number
  /** What stands before the secret, up to the last space or quote. */
  readonly run: string
  readonly context: LineContext
}

function placeOf(line: string, { secret, from, runStart, run, context }: Where): RuleId {
  const isWithin = (range: readonly [number, number] | undefined): boolean =>
    range !== undefined && from >= range[0] && from < range[1]
  if (isWithin(context.referer) || REFERER_BEFORE.test(line.slice(Math.max(0, runStart - 40), runStart))) return 'L2'
  if (isWithin(context.query) || QUERY.test(run) || isInPath(run, secret)) return 'L1'
  if (SET_COOKIE_BEFORE.test(line.slice(Math.max(0, from - 48), from))) {
    const attributes = /^[^"'\\\]]*/.exec(line.slice(secret.end, secret.end + 512))?.[0] ?? ''
    if (!/;\s*httponly/i.test(attributes) || !/;\s*secure/i.test(attributes)) return 'L7'
  }
  if (context.kind === 'storage') return 'L7'
  return context.kind === 'file' ? 'L8' : 'L5'
}

const REFERER_BEFORE = /(?:^|[^\w])referr?er(?:\\*["'\]])?\s{0,2}[:=,]?\s{0,2}(?:\\*["'])?$/i
const QUERY = /[?#]|%(?:25)*(?:3F|23)/i
const SET_COOKIE_BEFORE =
  /set-cookie(?:\\*["'\]]){0,2}\s{0,2}[:=,]?\s{0,2}(?:(?:\\*["'])?value(?:\\*["'])?\s{0,2}:\s{0,2})?[[\\"'\s]{0,6}$/i

/** A JWT may be a segment of a path as well: there is no name before it. */
function isInPath(run: string, { jwt, name }: Secret): boolean {
  return (
    jwt !== undefined &&
    name === undefined &&
    /(?:^|[=(])(?:[a-z][a-z\d+.-]{1,12}:\/)?\/[^=(]*$/i.test(run.slice(-512)) &&
    run.endsWith('/')
  )
}

function startOfRun(line: string, from: number): number {
  let start = from
  while (start > 0 && from - start < 4_096 && !/[\s"'`<>|\\]/.test(line.charAt(start - 1))) start--
  return start
}

function urlOf(run: string): URL | undefined {
  const [text] = /(?:https?|wss?):\/\/[^\s?#]+/i.exec(run) ?? []
  return text === undefined ? undefined : parseUrl(text)
}

/** `text` as a URL, or `undefined`. */
export function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

/** Whether what goes to `url` can be read on the way: everything but https:, wss: and this machine. */
function isInsecure({ protocol, hostname }: URL): boolean {
  if (protocol !== 'http:' && protocol !== 'ws:') return false
  return !/^(?:localhost|.*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

/** Where the referrer of a line in the combined format of Apache and nginx stands. */
export function refererOfCombined(line: string): readonly [number, number] | undefined {
  const [before, referer = ''] = COMBINED.exec(line) ?? []
  return before === undefined ? undefined : [before.length - referer.length, before.length]
}

const COMBINED = /^\S{1,64} \S{1,128} \S{1,128} \[[^\]]{1,64}\] "[^"]{0,16384}" \d{3} \S{1,20} "([^"]{0,16384})/

/** Where a line that tells of a request says that it went: a command, or a method before an absolute URL. */
export function destinationOf(line: string): URL | undefined {
  if (!REQUEST.test(line)) return undefined
  const [text] = /https?:\/\/[^\s"'`<>|\\]+/i.exec(line) ?? []
  return text === undefined ? undefined : parseUrl(text)
}

const REQUEST = /\b(?:curl|wget|httpie)\b|--url\b|\b(?:GET|POST|PUT|PATCH|DELETE|HEAD)\s{1,3}(?:url[:=])?https?:\/\//
