import { platformFetch } from '../../adapters/fetch.ts'
import { nameOfEntry, RecordingError } from '../errors.ts'
import { toHar } from '../har/check.ts'
import { headerOf } from '../har/fields.ts'
import type { Har, HarEntry, TokenReference } from '../har/format.ts'
import { plan, type Step, tokenOf } from '../replay/plan.ts'
import { createPlayer, type Player } from '../replay/player.ts'
import type { ReplayOptions } from '../replay/replay.ts'
import { createValues, type Values } from '../replay/values.ts'
import { type Attempt, attemptOf, type AuthCase, CASES, EXPECTED } from './cases.ts'
import { type MatrixReport, type MatrixResult, toMatrixReport } from './report.ts'

export interface AuthMatrixOptions extends Pick<
  ReplayOptions,
  'tokens' | 'secrets' | 'baseUrl' | 'fetch' | 'timeoutMs' | 'only' | 'signal'
> {
  /** Which cases. Default: all that can be made of the recording and its tokens. */
  readonly cases?: readonly AuthCase[]
  /** What a server may answer where it is not what is usual: `{ 'other-principal': [200] }`, for what everybody may see. */
  readonly expected?: Partial<Record<AuthCase, readonly number[]>>
  /** Also requests that change something. Default: `GET` and `HEAD` only; a server that lets one through has done it. */
  readonly unsafe?: boolean
}

/**
 * Sends each request that was answered well with a token that should not do: none, expired, not yet valid, for another
 * audience, tampered with, of another user, after the logout; and a refresh token that was exchanged already. What is
 * answered must be 401, or 403 where it is about what a valid token may do. With the right token each is sent too: a
 * server that refuses everything passes no test.
 *
 * @example
 *   import { authMatrix, mint, type Har } from 'tokenward/testing'
 *
 *   export async function check(har: Har, key: JsonWebKey): Promise<void> {
 *     const { ok, text } = await authMatrix(har, { tokens: mint({ key, alg: 'ES256', iss: 'https://id.example.com' }) })
 *     if (!ok) throw new Error(text)
 *   }
 *
 * @see [RFC 6750 section 3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1)
 * @throws {@link RecordingError} `missing_token`: nobody has what a request needs; or no request was sent with a token.
 */
export async function authMatrix(har: Har, options: AuthMatrixOptions): Promise<MatrixReport> {
  const { tokens, secrets = {}, cases = CASES, unsafe = false, signal } = options
  const recording = toHar(har)
  const { entries } = recording.log
  const values = createValues(recording)
  const only = options.only ?? (() => true)
  const steps = await plan(recording, { values, tokens, secrets, only: (entry) => entry.response.status < 400 })
  const player = createPlayer(recording, {
    values,
    tokens: { token: tokens.token },
    baseUrl: options.baseUrl,
    renews: false,
    assert: { body: 'ignore' },
    fetch: options.fetch ?? platformFetch,
    timeoutMs: options.timeoutMs ?? 30_000,
    waitMs: 0,
    signal,
  })
  const chosen = entries.flatMap((entry, index) => {
    const reference = tokenOf(entry, values)
    const isSafe = unsafe || entry.request.method === 'GET' || entry.request.method === 'HEAD'
    const isGood = entry.response.status >= 200 && entry.response.status < 300 && entry._exchange === undefined
    return reference && isGood && isSafe && only(entry, index) ? [{ entry, index, reference }] : []
  })
  if (chosen.length === 0)
    throw new RecordingError('missing_token', 'no request of the recording was sent with a token')

  const run = createRun({ entries, steps, values, player, signal })
  const results: MatrixResult[] = []
  const note = (result: MatrixResult): void => void results.push(withExpected(result, options.expected))
  await run.signIn()
  for (const { entry, index, reference } of chosen) {
    note(await run.control(entry, index))
    const value = values.get(reference.id) ?? ''
    const others = run.accessTokens()
    for (const one of cases) {
      if (one === 'after-logout' || one === 'rotated') continue
      note(
        await run.attempt(one, { entry, index, attempt: await attemptOf(one, { reference, value, others, tokens }) }),
      )
    }
  }
  if (cases.includes('rotated')) for (const result of await run.rotated()) note(result)
  if (cases.includes('after-logout')) for (const result of await run.afterLogout(chosen)) note(result)
  return toMatrixReport(results)
}

function withExpected(result: MatrixResult, expected: AuthMatrixOptions['expected']): MatrixResult {
  const wanted = result.case === 'valid' ? undefined : expected?.[result.case]
  if (!wanted || result.actual === undefined) return result
  return { ...result, expected: wanted, outcome: wanted.includes(result.actual) ? 'passed' : 'failed' }
}

interface Scene {
  readonly entries: readonly HarEntry[]
  readonly steps: readonly Step[]
  readonly values: Values
  readonly player: Player
  readonly signal: AbortSignal | undefined
}

interface Case {
  readonly entry: HarEntry
  readonly index: number
  readonly attempt: Attempt
}

/** Runs the cases in an order in which none disturbs another. */
interface Run {
  signIn(): Promise<void>
  control(entry: HarEntry, index: number): Promise<MatrixResult>
  attempt(one: AuthCase, about: Case): Promise<MatrixResult>
  accessTokens(): { readonly principal: string; readonly value: string }[]
  rotated(): Promise<MatrixResult[]>
  afterLogout(chosen: readonly { entry: HarEntry; index: number; reference: TokenReference }[]): Promise<MatrixResult[]>
}

function createRun({ entries, steps, values, player, signal }: Scene): Run {
  const isPlayable = (index: number): boolean => steps[index]?.skip === undefined
  const find = (kind: HarEntry['_exchange']): number[] =>
    [...entries.keys()].filter((index) => entries[index]?._exchange === kind && isPlayable(index))

  async function play(index: number): Promise<void> {
    signal?.throwIfAborted()
    const entry = entries[index] as HarEntry
    const { differences } = await player.play(entry, index, steps[index] ?? { skip: 'not planned' })
    const [first] = differences
    if (first) {
      const message = `${nameOfEntry(index, entry)} brought no tokens: ${first.path} was ${first.expected}, is ${first.actual}`
      throw new RecordingError('missing_token', message, { entry: index })
    }
  }

  async function attempt(one: AuthCase, { entry, index, attempt: tried }: Case): Promise<MatrixResult> {
    const about = {
      entry: index,
      method: entry.request.method,
      url: entry.request.url.replace(/[?#].*/s, ''),
      case: one,
    }
    if (tried.skip !== undefined) {
      return { ...about, outcome: 'skipped', expected: EXPECTED[one], actual: undefined, reason: tried.skip }
    }
    signal?.throwIfAborted()
    const scheme = headerOf(entry.request.headers, 'authorization')?.split(' ')[0] ?? 'Bearer'
    const sent = tried.token === undefined ? { bare: true } : { headers: { authorization: `${scheme} ${tried.token}` } }
    const { status, headers } = await player.send(entry, sent)
    const challenge = headerOf(headers, 'www-authenticate')
    return {
      ...about,
      outcome: EXPECTED[one].includes(status) ? 'passed' : 'failed',
      expected: EXPECTED[one],
      actual: status,
      // RFC 9110 section 15.5.2: a 401 says what it asks for.
      ...(status === 401 && challenge === undefined ? { reason: 'without WWW-Authenticate' } : {}),
    }
  }

  return {
    async signIn() {
      for (const index of find('login')) await play(index)
      for (const index of find('refresh')) if (find('login').length > 0) await play(index)
    },
    async control(entry, index) {
      signal?.throwIfAborted()
      const { status } = await player.send(entry)
      const { method, url } = entry.request
      const expected = [entry.response.status]
      const outcome = expected.includes(status) ? 'passed' : 'failed'
      return { entry: index, method, url: url.replace(/[?#].*/s, ''), case: 'valid', outcome, expected, actual: status }
    },
    attempt,
    accessTokens: () =>
      values.known().flatMap(({ id, value }) => {
        const reference = values.reference(id)
        return reference?.kind === 'access' ? [{ principal: reference.principal, value }] : []
      }),
    async rotated() {
      const [index] = find('refresh').filter((at) => placesRefreshToken(entries[at]))
      const entry = index === undefined ? undefined : entries[index]
      if (index === undefined || !entry) return []
      // It was presented when the tokens came, and is spent.
      const { status } = await player.send(entry)
      const { method, url } = entry.request
      const expected = EXPECTED.rotated
      const outcome = expected.includes(status) ? 'passed' : 'failed'
      return [{ entry: index, method, url, case: 'rotated', outcome, expected, actual: status }]
    },
    async afterLogout(chosen) {
      const results: MatrixResult[] = []
      const ended = new Set<string>()
      for (const index of find('logout')) {
        const principal = entries[index]?._principal ?? ''
        await player.send(entries[index] as HarEntry)
        ended.add(principal)
      }
      for (const { entry, index, reference } of chosen) {
        const token = values.get(reference.id)
        const isOver = ended.has(reference.principal) && token !== undefined
        const tried: Attempt = isOver
          ? { skip: undefined, token }
          : { skip: 'no logout of this principal can be replayed' }
        results.push(await attempt('after-logout', { entry, index, attempt: tried }))
      }
      return results
    },
  }
}

function placesRefreshToken(entry: HarEntry | undefined): boolean {
  return /\{\{refresh_p\d+_\d+\}\}/.test(entry?.request.postData?.text ?? '')
}
