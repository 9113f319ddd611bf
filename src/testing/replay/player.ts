import { clock } from '../../adapters/clock.ts'
import { wait } from '../../adapters/wait.ts'
import { fieldsOf, headerOf, parseJson } from '../har/fields.ts'
import type { Har, HarEntry, TokenReference } from '../har/format.ts'
import { placeholdersIn } from '../redact/placeholder.ts'
import { createTextRedactor } from '../redact/text.ts'
import type { FakeClock } from '../servers/clock.ts'
import { type Assertions, compare, type Difference } from './compare.ts'
import { createJar, CSRF, type Jar } from './jar.ts'
import { type Step, tokenOf } from './plan.ts'
import type { TokenProvider, Transport } from './providers.ts'
import { type BaseUrl, type ReplayRequest, toRequest, withoutValue } from './request.ts'
import type { ReplayResult } from './report.ts'
import { type Came, toCame } from './send.ts'
import type { Values } from './values.ts'

export interface PlayerOptions {
  readonly values: Values
  readonly tokens: TokenProvider
  readonly baseUrl: BaseUrl | undefined
  readonly renews: boolean
  readonly assert: Assertions
  readonly fetch: typeof fetch
  readonly timeoutMs: number
  readonly waitMs: number
  readonly clock: Pick<FakeClock, 'now' | 'advance'> | undefined
  readonly signal: AbortSignal | undefined
}

export type Played = Pick<ReplayResult, 'outcome' | 'actual' | 'differences' | 'renewed'> & { readonly reason?: string }

export interface Player {
  play(entry: HarEntry, index: number, step: Step): Promise<Played>
  /** Sends an entry as it is filled now, and gives what comes. Cookies are kept and sent. */
  send(entry: HarEntry, options?: SendOptions): Promise<Answer>
  /** The cookies of whoever sends an entry, as they are now. */
  cookiesOf(entry: HarEntry): Jar
}

export interface SendOptions {
  /** In place of those that were recorded. */
  readonly headers?: Readonly<Record<string, string>>
  /** In place of its token. `undefined`: without any. */
  readonly token?: { readonly value: string | undefined }
  /** In place of those that it would be sent with. What comes is not kept. */
  readonly cookies?: Jar
}

/** What came back at last, and how often the request was sent for it. */
export type Answer = Came & { readonly sends: number }

/** Servers count in whole seconds: a token may be dead so much earlier than it says. */
const EARLY_MS = 1_000
/** Or so much later. */
const LATE_MS = 1_250

export function createPlayer({ log: { entries } }: Har, options: PlayerOptions): Player {
  const { values, tokens, baseUrl, renews, assert, timeoutMs, waitMs, signal } = options
  const now = (): number => options.clock?.now() ?? clock.now().monotonic
  const jars = new Map<string, Jar>()
  /** When the answer came that brought a token in this replay. */
  const broughtAt = new Map<string, number>()
  /** Logins, refreshes and logouts, of which there are few: entries may be in a file. */
  const exchanges = entries.flatMap((entry, index) => (entry._exchange ? [{ entry, index }] : []))
  /** The logouts that were replayed. */
  const ended = new Set<number>()

  async function play(entry: HarEntry, index: number, step: Step): Promise<Played> {
    if (step.skip !== undefined) return skipped(step.skip)
    const token = tokenOf(entry, values)
    const isRefused = entry.response.status === 401 && token !== undefined && entry._exchange === undefined
    const dead = isRefused ? await toDeath(entry, index, token) : undefined
    if (dead?.reason !== undefined) return skipped(dead.reason)

    let came: Answer
    let renewed = false
    try {
      came = await send(entry, dead)
      if (renews && came.status === 401 && entry.response.status !== 401 && token && (await renew(token))) {
        renewed = true
        came = await send(entry)
      }
      renewed ||= came.sends > 1
    } catch (reason) {
      signal?.throwIfAborted()
      const actual = `no answer${whyOf(reason)}`
      const expected = String(entry.response.status)
      return { outcome: 'different', actual: undefined, differences: [{ path: 'status', expected, actual }], renewed }
    }
    learn(entry, came)
    if (entry._exchange === 'logout') ended.add(index)
    const differences = withoutSecrets(compare({ index, entry, came }, assert))
    const outcome = differences.length > 0 ? 'different' : 'same'
    return { outcome, actual: { status: came.status }, differences, renewed }
  }

  async function send(entry: HarEntry, sending: SendOptions = {}): Promise<Answer> {
    const { headers: added = {}, token: other } = sending
    const token = tokenOf(entry, values)
    const { url, init, headers } =
      other && token ? withToken(entry, token, other.value) : toRequest(entry, values, baseUrl)
    const jar = sending.cookies ?? jarOf(entry)
    const sent: Record<string, string> = { ...headers }
    const hasCookies = headerOf(entry.request.headers, 'cookie') !== undefined || entry.request.cookies.length > 0
    const isInCookie = token !== undefined && isCarriedIn(headerOf(entry.request.headers, 'cookie') ?? '', token)
    const kept = entry._credentials || hasCookies ? jar.header(url) : undefined
    const cookie = isInCookie && other ? cookieWith(entry, token, other.value) : kept
    for (const { name, value } of entry.request.headers) {
      // A cookie that is sent back as a header (double submit): nobody but the browser saw it come.
      const isCsrf = values.needsOf(value).some((id) => values.reference(id)?.kind === 'csrf')
      const found = isCsrf && sent[name] === undefined ? jar.find(CSRF) : undefined
      if (found !== undefined) sent[name] = decodeURIComponent(found)
    }
    let sends = 0
    const transport: Transport = async (more) => {
      sends++
      const all = new Headers(sent)
      if (cookie !== undefined) all.set('cookie', cookie)
      for (const [name, value] of [...Object.entries(more), ...Object.entries(added)]) all.set(name, value)
      const limits = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]
      return options.fetch(url, { ...init, headers: all, signal: AbortSignal.any(limits) })
    }
    const target = { url, method: entry.request.method, retry: renews && entry.response.status !== 401 }
    const isGiven = token !== undefined && !broughtAt.has(token.id) && !other && added['authorization'] === undefined
    const response = (isGiven ? await tokens.send?.(token, target, transport) : undefined) ?? (await transport({}))
    const came = await toCame(response)
    if (sending.cookies === undefined) jar.keep(url, came.setCookies)
    return { ...came, sends }
  }

  /** A request with another token in place of its own, or without any. */
  function withToken(entry: HarEntry, token: TokenReference, value: string | undefined): ReplayRequest {
    if (value === undefined)
      return toRequest(
        withoutValue(entry, (text) => isCarriedIn(text, token)),
        values,
        baseUrl,
      )
    return whileItIs(token, value, () => toRequest(entry, values, baseUrl))
  }

  function cookieWith(entry: HarEntry, token: TokenReference, value: string | undefined): string | undefined {
    const recorded = headerOf(entry.request.headers, 'cookie') ?? ''
    return value === undefined ? undefined : whileItIs(token, value, () => values.fill(recorded))
  }

  function whileItIs<Result>({ id }: TokenReference, value: string, make: () => Result): Result {
    const before = values.get(id)
    values.set(id, value)
    const made = make()
    if (before !== undefined) values.set(id, before)
    return made
  }

  function isCarriedIn(text: string, { id }: TokenReference): boolean {
    return values.needsOf(text).includes(id)
  }

  /** How a token can be dead that was dead in the recording: by itself, made so, or after a while. */
  async function toDeath(
    entry: HarEntry,
    index: number,
    token: TokenReference,
  ): Promise<{ reason?: string; headers?: Record<string, string> } | undefined> {
    const end = exchanges.find(
      ({ entry: { _exchange, _principal }, index: at }) =>
        at < index && _exchange === 'logout' && _principal === token.principal,
    )?.index
    // A token that is younger than a logout belongs to the session after it.
    if (end !== undefined && (token.issuedBy === null || token.issuedBy <= end)) {
      return ended.has(end) ? undefined : { reason: `the logout that ended ${token.id} was not replayed` }
    }
    const ttlMs = ttlMsOf(token)
    const issuer = token.issuedBy === null ? undefined : entries[token.issuedBy]
    const ageMs = issuer ? Date.parse(entry.startedDateTime) - Date.parse(issuer.startedDateTime) : undefined
    if (ageMs === undefined || ttlMs === undefined || ageMs + EARLY_MS < ttlMs) {
      // It may be refused whatever it is. To find out does no harm if nothing is changed by it.
      const isSafe = entry.request.method === 'GET' || entry.request.method === 'HEAD'
      if (!isSafe || (await send(entry)).status !== 401) {
        return { reason: `${token.id} was refused for a reason that is not in the recording` }
      }
      return undefined
    }
    const at = broughtAt.get(token.id)
    if (at === undefined) {
      const expired = await tokens.token(token, { variant: 'expired' })
      if (expired === undefined) return { reason: `nobody can make ${token.id} expire` }
      return { headers: { authorization: `${token.tokenType ?? 'Bearer'} ${expired}` } }
    }
    const leftMs = at + ttlMs + LATE_MS - now()
    if (leftMs > waitMs) return { reason: `${token.id} lives longer than a replay may wait (${waitMs} ms)` }
    if (leftMs > 0) await (options.clock?.advance(leftMs) ?? wait(leftMs))
    return undefined
  }

  /** Puts a new token in place of one that was refused. */
  async function renew(token: TokenReference): Promise<boolean> {
    if (!broughtAt.has(token.id)) {
      const value = await tokens.token(token, { renew: true })
      if (value === undefined || value === values.get(token.id)) return false
      values.set(token.id, value)
      return true
    }
    const refresh = exchanges.find(
      ({ entry: { _exchange, _principal, response } }) =>
        _exchange === 'refresh' && _principal === token.principal && response.status < 400,
    )
    return refresh === undefined ? false : refreshNow(refresh.entry, token)
  }

  /** Asks for new tokens when the recording had no need to: later refreshes go on from what comes. */
  async function refreshNow(refresh: HarEntry, token: TokenReference): Promise<boolean> {
    const presented = values
      .needsOf(refresh.request.postData?.text ?? '')
      .filter((id) => values.reference(id)?.kind === 'refresh')
    const latest = [...broughtAt.keys()].filter(
      (id) => values.reference(id)?.kind === 'refresh' && values.reference(id)?.principal === token.principal,
    )
    const current = values.get(latest.at(-1) ?? '')
    const kept = new Map(values.known().map(({ id, value }) => [id, value]))
    if (current !== undefined) for (const id of presented) values.set(id, current)
    const came = await send(refresh)
    if (came.status >= 400) return false
    const brought = new Map<TokenReference['kind'], string>()
    bindAll(refresh, came, (id) => {
      const kind = values.reference(id)?.kind
      const value = values.get(id)
      if (kind && value !== undefined) brought.set(kind, value)
    })
    // What the recording calls otherwise keeps its meaning.
    for (const [id, value] of kept) values.set(id, value)
    const access = brought.get('access')
    const next = brought.get('refresh')
    if (access !== undefined) values.set(token.id, access)
    if (next !== undefined) for (const id of latest.slice(-1)) values.set(id, next)
    return access !== undefined
  }

  function learn(entry: HarEntry, came: Came): void {
    bindAll(entry, came, (id) => broughtAt.set(id, now()))
  }

  /** Takes from an answer what stands where the recording has placeholders. */
  function bindAll({ response }: HarEntry, came: Came, found: (id: string) => void): void {
    const bind = (template: string, actual: string | undefined): void => {
      const ids = placeholdersIn(template)
      if (ids.length > 0 && actual !== undefined && values.bind(template, actual)) ids.forEach(found)
    }
    const { headers, content } = response
    for (const { name, value } of headers) {
      if (name.toLowerCase() === 'set-cookie') for (const line of came.setCookies) bind(value, line)
      else bind(value, headerOf(came.headers, name))
    }
    const [recorded, actual] = [parseJson(content.text), parseJson(came.text)]
    if (recorded === undefined) {
      bind(content.text ?? '', came.text)
      return
    }
    const now = new Map(fieldsOf(actual).map(({ path, value }) => [path.join('\n'), value]))
    for (const { path, value } of fieldsOf(recorded)) {
      const other = now.get(path.join('\n'))
      if (typeof value === 'string' && other !== undefined && other !== null) bind(value, String(other))
    }
  }

  function jarOf({ _principal = '' }: HarEntry): Jar {
    const jar = jars.get(_principal) ?? createJar()
    jars.set(_principal, jar)
    return jar
  }

  /** What came may hold tokens that live. */
  function withoutSecrets(differences: readonly Difference[]): readonly Difference[] {
    if (differences.length === 0) return differences
    const redactor = createTextRedactor(values.known(), { encoded: (template) => template.replace(/[{}]/g, '') })
    return differences.map(({ path, expected, actual }) => ({ path, expected, actual: redactor.redact(actual) }))
  }

  return { play, send, cookiesOf: (entry) => jarOf(entry).copy() }
}

/** What the system says, such as ECONNREFUSED; `fetch` itself has only one word for all of it. */
function whyOf(reason: unknown): string {
  const { name, cause } = Object(reason) as { name?: unknown; cause?: unknown }
  const { code = name } = Object(cause) as { code?: unknown }
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? ` (${code})` : ''
}

function ttlMsOf({ claims }: TokenReference): number | undefined {
  const { ttl } = claims
  return typeof ttl === 'number' ? ttl * 1_000 : undefined
}

function skipped(reason: string): Played {
  return { outcome: 'skipped', actual: undefined, differences: [], renewed: false, reason }
}
