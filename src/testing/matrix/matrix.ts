import { platformFetch } from '../../adapters/fetch.ts'
import { RecordingError } from '../errors.ts'
import { toHar } from '../har/check.ts'
import type { Har, HarEntry } from '../har/format.ts'
import { plan, tokenOf } from '../replay/plan.ts'
import { createPlayer } from '../replay/player.ts'
import type { ReplayOptions } from '../replay/replay.ts'
import { createValues } from '../replay/values.ts'
import { attemptOf, type AuthCase, CASES } from './cases.ts'
import { type MatrixReport, type MatrixResult, toMatrixReport } from './report.ts'
import { createRun } from './run.ts'

export interface AuthMatrixOptions extends Pick<
  ReplayOptions,
  'tokens' | 'secrets' | 'baseUrl' | 'fetch' | 'timeoutMs' | 'only' | 'signal'
> {
  /** Which cases. Default: all that can be made of the recording and its tokens. */
  readonly cases?: readonly AuthCase[]
  /** What a server may answer where it is not what is usual: `{ 'other-principal': [200] }`, for what everybody may see. */
  readonly expected?: Partial<Record<AuthCase, readonly number[]>>
  /** Whether a 401 has to come with `WWW-Authenticate`, which RFC 9110 and RFC 6750 demand. Default `true`. */
  readonly challenge?: boolean
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
  const { tokens, secrets = {}, cases = CASES, unsafe = false, challenge = true, signal } = options
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
    clock: undefined,
    signal,
  })
  const chosen = entries.flatMap((entry, index) => {
    const reference = tokenOf(entry, values)
    const isSafe = unsafe || entry.request.method === 'GET' || entry.request.method === 'HEAD'
    const isGood = entry.response.status >= 200 && entry.response.status < 300 && entry._exchange === undefined
    return reference && isGood && isSafe && only(entry, index) ? [{ index, reference }] : []
  })
  if (chosen.length === 0)
    throw new RecordingError('missing_token', 'no request of the recording was sent with a token')

  const run = createRun({ entries, steps, values, player, challenge, expected: options.expected ?? {}, signal })
  const results: MatrixResult[] = []
  await run.signIn()
  for (const { index, reference } of chosen) {
    const entry = entries[index] as HarEntry
    results.push(await run.control(entry, index))
    const value = values.get(reference.id) ?? ''
    const others = run.accessTokens()
    for (const one of cases) {
      if (one === 'after-logout' || one === 'rotated') continue
      results.push(
        await run.attempt(one, { entry, index, attempt: await attemptOf(one, { reference, value, others, tokens }) }),
      )
    }
  }
  if (cases.includes('rotated')) {
    for (const result of await run.rotated()) results.push(result)
    // A server that has noticed it has ended the session: what is refused then says nothing of a logout.
    await run.signIn()
  }
  if (cases.includes('after-logout')) for (const result of await run.afterLogout(chosen)) results.push(result)
  return toMatrixReport(results)
}
