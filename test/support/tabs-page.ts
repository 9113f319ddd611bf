import axios, { type AxiosInstance } from 'axios'
import {
  cookieSource,
  createTokenManager,
  jsonSource,
  tokenErrorOf,
  type SessionState,
  type TokenManager,
} from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { encryptedStorage, indexedDbStorage, type TokenStorage } from 'tokenward/storage'
import { takeAway } from './tabs-missing.ts'
import { type PageRecord, recordPage } from './tabs-record.ts'
import type { Method } from '../../src/testing/sim/checker/history.ts'
import { everythingInPage, placesOfSecrets } from './walk.ts'

/** Something that happened in a tab, in order. */
export interface Happening {
  /** Device wall time. */
  readonly at: number
  readonly what: string
}

/** A message of the channel, as another page hears it. */
export interface Heard {
  readonly type: string
  readonly text: string
}

export interface Called {
  readonly outcome: number | string
  /** How long after the moment that was agreed on. */
  readonly ms: number
}

/** What a scenario finds in each page as `client`. */
export interface Client {
  readonly tokens: TokenManager<{ readonly email: string; readonly password: string }>
  readonly api: AxiosInstance
  readonly happened: Happening[]
  /** Everything that was seen in this tab, page after page, for the checker of the simulator. */
  readonly seen: PageRecord['pages']
  readonly heard: Heard[]
  /** In this task: tokens, and the time at which they are asked for. */
  note(what: string): number
  signIn(user?: 'demo' | 'admin'): Promise<SessionState>
  restore(): Promise<SessionState>
  logout(): Promise<unknown>
  /** What became of a call: its status, or the code of its error. */
  call(path?: string): Promise<number | string>
  /** At a moment that tabs have agreed on. */
  callAt(at: number, path?: string): Promise<Called>
  /** One call after another, each with a name of its own, until `stop`. */
  keepCalling(name: string): void
  stop(): void
  /** Resolves when the state is like this. */
  until(what: Wanted): Promise<SessionState>
  /** Resolves when the token has expired by the clock. */
  expiry(): Promise<void>
  /** Hears what others post to the channel of the session. */
  listen(name: string): void
  leaks(secrets: readonly string[]): Promise<string[]>
}

type Wanted = SessionState['status'] | 'with tokens'

const query = new URLSearchParams(location.search)
takeAway(query.getAll('without'))
// It holds tokens: only where that is what a scenario is about.
const record = query.has('record') ? recordPage() : undefined

const auth = query.get('auth') ?? ''
const [kind, endpoints] = auth ? [jsonSource, `${auth}/json`] : [cookieSource, '/auth']
const storages: Readonly<Record<string, () => TokenStorage>> = { plain: indexedDbStorage, encrypted: encryptedStorage }
const storage = storages[query.get('storage') ?? '']?.()
const resource = new URL('/api/', location.href).href
const resources = [resource, ...query.getAll('resource')]

const tokens: Client['tokens'] = createTokenManager({
  source: kind({ login: `${endpoints}/login`, refresh: `${endpoints}/refresh`, logout: `${endpoints}/logout` }),
  resources,
  ...(storage && { storage }),
  timing: { requestTimeoutMs: Number(query.get('timeout') ?? 2_000) },
})
const api = axios.create({ baseURL: resource, adapter: 'xhr' })
record?.watch(tokens, api)
bindAxios(api, tokens)

const happened: Happening[] = []
const heard: Heard[] = []
let calling = false

function note(what: string): number {
  const at = Date.now()
  happened.push({ at, what })
  return at
}

tokens.on('signed-in', () => note('signed-in'))
tokens.on('signed-out', ({ reason, elsewhere }) => note(`signed-out ${reason}${elsewhere ? ' elsewhere' : ''}`))
tokens.on('refreshed', ({ trigger }) => note(`refreshed ${trigger}`))
tokens.on('refresh-failed', ({ code }) => note(`refresh-failed ${code}`))
tokens.on('degraded', ({ what }) => note(`degraded ${what}`))
tokens.on('alert', ({ rule }) => note(`alert ${rule}`))

function called<T>(method: Method, within: (call?: number) => Promise<T>): Promise<T> {
  return record ? record.call(method, within) : within()
}

function isLike(state: SessionState, wanted: Wanted): boolean {
  return wanted === 'with tokens' ? state.signedIn && state.expiresAt !== undefined : state.status === wanted
}

function call(path = 'me'): Promise<number | string> {
  const sent = called('send', async (number) => {
    const { status } = await api.get(path, { call: number } as object)
    return status
  })
  return sent.then(
    (status) => status,
    (error: unknown) => tokenErrorOf(error)?.code ?? (error as { status?: number }).status ?? String(error),
  )
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

globalThis.client = {
  tokens,
  api,
  happened,
  seen: record?.pages ?? [],
  heard,
  note,
  signIn: (user = 'demo') => called('login', () => tokens.login({ email: `${user}@example.com`, password: user })),
  restore: () => called('restore', () => tokens.restore()),
  logout: () => called('logout', () => tokens.logout()),
  call,
  async callAt(at, path) {
    await after(at - Date.now())
    return { outcome: await call(path), ms: Date.now() - at }
  },
  keepCalling(name) {
    calling = true
    const next = async (count: number): Promise<void> => {
      if (!calling) return
      note(`begun ${name}-${count}`)
      note(`ended ${name}-${count} ${await call(`me?id=${name}-${count}`)}`)
      await after(5)
      return next(count + 1)
    }
    void next(1)
  },
  stop: () => void (calling = false),
  until: (wanted) =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!isLike(tokens.getState(), wanted)) return
        stop()
        resolve(tokens.getState())
      }
      const stop = tokens.subscribe(look)
      look()
    }),
  async expiry() {
    const state = tokens.getState()
    // A clock of whole milliseconds, and one that is read a little later.
    if (state.signedIn) await after((state.expiresAt ?? 0) - Date.now() + 20)
  },
  listen(name) {
    new BroadcastChannel(`tokenward:${name}`).onmessage = ({ data }: MessageEvent<{ type: string }>) =>
      heard.push({ type: data.type, text: JSON.stringify(data) })
  },
  leaks: async (secrets) => placesOfSecrets(secrets, [await everythingInPage(), happened]),
}
