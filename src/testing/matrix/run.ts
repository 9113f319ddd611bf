import { nameOfEntry, RecordingError } from '../errors.ts'
import { headerOf } from '../har/fields.ts'
import type { HarEntry, TokenReference } from '../har/format.ts'
import type { Jar } from '../replay/jar.ts'
import type { Step } from '../replay/plan.ts'
import type { Player } from '../replay/player.ts'
import type { Values } from '../replay/values.ts'
import { type Attempt, type AuthCase, EXPECTED } from './cases.ts'
import type { MatrixResult } from './report.ts'

interface Scene {
  readonly entries: readonly HarEntry[]
  readonly steps: readonly Step[]
  readonly values: Values
  readonly player: Player
  /** A 401 has to say what it asks for. */
  readonly challenge: boolean
  readonly expected: Partial<Record<AuthCase, readonly number[]>>
  readonly signal: AbortSignal | undefined
}

interface Case {
  readonly entry: HarEntry
  readonly index: number
  readonly attempt: Attempt
}

/** Runs the cases in an order in which none disturbs another. */
export interface Run {
  signIn(): Promise<void>
  control(entry: HarEntry, index: number): Promise<MatrixResult>
  attempt(one: AuthCase, about: Case): Promise<MatrixResult>
  accessTokens(): { readonly principal: string; readonly value: string }[]
  rotated(): Promise<MatrixResult[]>
  afterLogout(chosen: readonly { index: number; reference: TokenReference }[]): Promise<MatrixResult[]>
}

export function createRun({ entries, steps, values, player, challenge, expected: own, signal }: Scene): Run {
  /** Those that each refresh was sent with. */
  const cookies = new Map<number, Jar>()
  const expectedOf = (one: AuthCase): readonly number[] => own[one] ?? EXPECTED[one]
  const playable = entries.flatMap(({ _exchange: kind }, index) =>
    kind !== undefined && steps[index]?.skip === undefined ? [{ kind, index }] : [],
  )
  const find = (kind: HarEntry['_exchange']): number[] =>
    playable.filter((one) => one.kind === kind).map(({ index }) => index)

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
      return { ...about, outcome: 'skipped', expected: expectedOf(one), actual: undefined, reason: tried.skip }
    }
    signal?.throwIfAborted()
    const { status, headers } = await player.send(entry, { token: { value: tried.token } })
    // RFC 9110 section 15.5.2, RFC 6750 section 3: a 401 says what it asks for.
    const isSilent = status === 401 && headerOf(headers, 'www-authenticate') === undefined
    return {
      ...about,
      outcome: expectedOf(one).includes(status) && !(challenge && isSilent) ? 'passed' : 'failed',
      expected: expectedOf(one),
      actual: status,
      ...(isSilent ? { reason: 'without WWW-Authenticate' } : {}),
    }
  }

  return {
    async signIn() {
      for (const index of find('login')) await play(index)
      for (const index of find('refresh')) {
        if (find('login').length === 0) continue
        cookies.set(index, player.cookiesOf(entries[index] as HarEntry))
        await play(index)
      }
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
      const results: MatrixResult[] = []
      const seen = new Set<string | undefined>()
      for (const index of find('refresh')) {
        const entry = entries[index] as HarEntry
        const before = cookies.get(index)
        if (seen.has(entry._principal) || (!placesRefreshToken(entry) && !before)) continue
        seen.add(entry._principal)
        const { method, url } = entry.request
        const about = { entry: index, method, url: url.replace(/[?#].*/s, ''), case: 'rotated' as const }
        const expected = expectedOf('rotated')
        const isKept = !placesRefreshToken(entry) && before?.credentials() === player.cookiesOf(entry).credentials()
        if (isKept) {
          const reason = 'the refresh has changed no cookie'
          results.push({ ...about, outcome: 'skipped', expected, actual: undefined, reason })
          continue
        }
        // It was presented when the tokens came, and is spent: as the cookie was then, if it is one.
        const { status } = await player.send(entry, before ? { cookies: before } : {})
        const outcome = expected.includes(status) ? 'passed' : 'failed'
        results.push({ ...about, outcome, expected, actual: status })
      }
      return results
    },
    async afterLogout(chosen) {
      const results: MatrixResult[] = []
      const ended = new Set<string>()
      const live = new Set<number>()
      for (const { index } of chosen) {
        if ((await player.send(entries[index] as HarEntry)).status !== 401) live.add(index)
      }
      for (const index of find('logout')) {
        const principal = entries[index]?._principal ?? ''
        await player.send(entries[index] as HarEntry)
        ended.add(principal)
      }
      for (const { index, reference } of chosen) {
        const entry = entries[index] as HarEntry
        const token = values.get(reference.id)
        const isOver = ended.has(reference.principal) && token !== undefined
        const tried: Attempt = !isOver
          ? { skip: 'no logout of this principal can be replayed' }
          : live.has(index)
            ? { skip: undefined, token }
            : { skip: 'it was refused before the logout' }
        results.push(await attempt('after-logout', { entry, index, attempt: tried }))
      }
      return results
    },
  }
}

function placesRefreshToken(entry: HarEntry | undefined): boolean {
  return /\{\{refresh_p\d+_\d+\}\}/.test(entry?.request.postData?.text ?? '')
}
