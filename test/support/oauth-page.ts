import {
  createTokenManager,
  type Resource,
  tokenErrorOf,
  type SessionState,
  type TokenError,
  type TokenManager,
} from 'tokenward'
import { createFetch } from 'tokenward/fetch'
import { oauthSource, type OAuthLogin, type OAuthSourceOptions } from 'tokenward/oauth'
import { encryptedStorage } from 'tokenward/storage'
import type { Method } from '../../src/testing/sim/checker/history.ts'
import { type PageRecord, recordPage } from './tabs-record.ts'

/** What a site says to its pages. */
export interface PageSettings {
  readonly source: OAuthSourceOptions
  readonly api: string
  /** Default: the whole API. */
  readonly resources?: readonly (string | Resource)[]
  /** Calls `restore()` as soon as the page is there. */
  readonly restores: boolean
  readonly stores: boolean
  readonly requestTimeoutMs: number
  /** What happens in the page is written down, for the checker of the simulator. */
  readonly records?: boolean
}

export interface Client {
  readonly tokens: TokenManager<OAuthLogin>
  readonly events: string[]
  /** Everything that was seen in this tab, page after page. */
  readonly seen: PageRecord['pages']
  /** What `restore()` has come to, where the site calls it. */
  readonly restored: Promise<string> | undefined
  /** Another manager in this page, with a source of its own or the same. */
  another(own?: boolean): Client
  /** What became of a call: its status, or the code of its error. */
  call(path?: string): Promise<number | string>
  /** What a call was refused for, and what is wanted instead. */
  failure(path: string): Promise<Partial<Pick<TokenError, 'code' | 'scope' | 'acrValues'>>>
  /** What became of it: the state, or the code of the error. */
  outcome(work: Promise<SessionState>): Promise<string>
  until(status: SessionState['status']): Promise<SessionState>
  pass(ms: number): void
}

declare global {
  /** In a page. */
  var oauthSettings: PageSettings
  var visit: Client
}

const { source: config, api, resources = [api], stores, restores, requestTimeoutMs } = globalThis.oauthSettings
const record = globalThis.oauthSettings.records ? recordPage() : undefined
let shift = 0

function create(source = oauthSource(config)): Client {
  const manager = createTokenManager({
    source,
    resources,
    timing: { requestTimeoutMs },
    ...(stores && { storage: encryptedStorage() }),
    ports: { clock: { now: () => ({ wall: Date.now() + shift, monotonic: performance.now() + shift }) } },
  })
  record?.watch(manager)
  const called = record?.call ?? (<T>(_: Method, within: () => Promise<T>): Promise<T> => within())
  const tokens: Client['tokens'] = {
    ...manager,
    login: (...given) => called('login', () => manager.login(...given)),
    restore: (...given) => called('restore', () => manager.restore(...given)),
    logout: (...given) => called('logout', () => manager.logout(...given)),
  }
  const request = createFetch(tokens)
  const events: string[] = []
  tokens.on('signed-in', () => events.push('signed-in'))
  tokens.on('signed-out', ({ reason }) => events.push(`signed-out ${reason}`))
  tokens.on('refreshed', ({ trigger }) => events.push(`refreshed ${trigger}`))
  tokens.on('refresh-failed', ({ code }) => events.push(`refresh-failed ${code}`))
  tokens.on('session-ending', ({ why }) => events.push(`session-ending ${why}`))
  tokens.on('alert', ({ rule }) => events.push(`alert ${rule}`))
  const outcome: Client['outcome'] = (work) =>
    work.then(
      ({ status }) => status,
      (error: unknown) => tokenErrorOf(error)?.code ?? String(error),
    )
  return {
    tokens,
    events,
    seen: record?.pages ?? [],
    restored: restores ? outcome(tokens.restore()) : undefined,
    another: (own = true) => create(own ? undefined : source),
    call: (path = '/opaque') =>
      called('send', () => request(`${api}${path}`)).then(
        ({ status }) => status,
        (error: unknown) => tokenErrorOf(error)?.code ?? String(error),
      ),
    failure: (path) =>
      request(`${api}${path}`).then(
        () => ({}),
        (error: unknown) => {
          const { code, scope, acrValues } = tokenErrorOf(error)!
          return { code, ...(scope !== undefined && { scope }), ...(acrValues !== undefined && { acrValues }) }
        },
      ),
    outcome,
    until: (status) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (tokens.getState().status !== status) return
          stop()
          resolve(tokens.getState())
        }
        const stop = tokens.subscribe(look)
        look()
      }),
    pass: (ms) => void (shift += ms),
  }
}

globalThis.visit = create()
