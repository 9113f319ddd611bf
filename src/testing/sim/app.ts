import { tokenErrorOf } from '../../errors.ts'
import type { TokenManager } from '../../manager.ts'
import type { TokenEvents } from '../../session/events.ts'
import type { Entry, EntryOf, Method, Snapshot } from './checker/history.ts'
import type { Network } from './network.ts'
import { toSnapshot } from './snapshot.ts'
import type { SimTab } from './tab.ts'

/** What a call of the application may ask for. */
export interface Asking {
  readonly required?: boolean
  readonly repeatable?: boolean
  readonly retry?: boolean
  readonly minTtlMs?: number
  readonly ask?: boolean
  readonly url?: string
  readonly as?: string
  readonly within?: boolean
  /** It goes to an API that takes tokens of its own. */
  readonly narrow?: boolean
  /** The caller keeps a way to give it up. Default `true`; of `send`. */
  readonly abortable?: boolean
}

/** An application in one tab: it calls, and sees what it is told. All of it goes into the history. */
export interface App {
  call(method: Method, asking?: Asking): Promise<void>
  /** Aborts the oldest call that has not settled. False: there is none. */
  abort(): boolean
  dispose(): void
  /** How many calls have not settled. */
  pending(): number
}

/** Anything that can be written down about this tab. */
export type Note = (entry: DistributiveOmit<Entry, 'at' | 'step' | 'tab'>) => void
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

export interface AppOptions {
  readonly tab: SimTab
  readonly tokens: TokenManager<{ readonly user: string }>
  readonly network: Network
  readonly resource: string
  /** The next number for a call. */
  nextCall(): number
  note: Note
  /** The listener of an event may call what it likes, and so may whoever looks at an answer. */
  reaction?(type: string): void
}

const EVENTS = [
  'signed-in',
  'signed-out',
  'refreshed',
  'refresh-failed',
  'session-ending',
  'withheld',
  'challenged',
  'degraded',
  'alert',
] as const satisfies readonly (keyof TokenEvents)[]

export function createApp({ tab, tokens, network, resource, nextCall, note, reaction }: AppOptions): App {
  const pending = new Map<number, AbortController>()
  const read = (): Snapshot => toSnapshot(tokens.getState())

  tokens.subscribe((state) => {
    note({ what: 'state', state: toSnapshot(state) })
    reaction?.(state.status)
  })
  for (const type of EVENTS) {
    tokens.on(type, (event) => {
      note({ what: 'event', type, event: { ...event }, reads: read() })
      reaction?.(type)
    })
  }

  function isFresh(): boolean | undefined {
    const state = tokens.getState()
    if (!state.signedIn) return undefined
    return state.expiresAt === undefined ? undefined : state.expiresAt > tab.ports.clock.now().wall
  }

  function perform(
    method: Method,
    asking: Asking,
    { call, signal }: { call: number; signal: AbortSignal | undefined },
  ): Promise<unknown> {
    const { url = `${resource}orders`, repeatable = true, required, retry, minTtlMs, ask = false, as = 'ann' } = asking
    const wishes = {
      ...(signal && { signal }),
      ...(required !== undefined && { required }),
      ...(retry !== undefined && { retry }),
      ...(minTtlMs !== undefined && { minTtlMs }),
    }
    switch (method) {
      case 'send':
        return tokens.send(
          { url, ...wishes },
          {
            repeatable,
            // There are exchanges that nothing can stop.
            send: (headers, ended) =>
              network.request(tab, {
                url,
                headers,
                call,
                body: String(call),
                signal: retry === false ? undefined : ended,
              }),
            answer({ status, headers }) {
              reaction?.('answer')
              return { status, header: (name) => headers[name] ?? null }
            },
          },
        )
      case 'getAccessToken':
        return tokens.getAccessToken(wishes)
      case 'login':
        return tokens.login({ user: as }, { ...(signal && { signal }) })
      case 'restore':
        return tokens.restore({ ask, ...(signal && { signal }) })
      case 'logout':
        return tokens.logout()
      case 'startSession':
        return tokens.startSession(network.grant(as))
    }
  }

  return {
    async call(method, asking = {}) {
      const call = nextCall()
      const { abortable = /^(send|getAccessToken|login|restore)$/.test(method) } = asking
      const controller = abortable ? new AbortController() : undefined
      const { required, repeatable, retry, ask, within, minTtlMs, narrow } = asking
      const entry: Omit<EntryOf<'called'>, 'at' | 'step' | 'tab'> = {
        what: 'called',
        call,
        method,
        state: read(),
        fresh: isFresh(),
        required,
        repeatable,
        retry,
        ask,
        within,
        demanding: minTtlMs !== undefined,
        narrow,
      }
      note(entry)
      if (controller) pending.set(call, controller)
      const settled = (
        ok: boolean,
        more: { code?: string | undefined; text?: string; transient?: boolean | undefined },
      ): void => {
        pending.delete(call)
        note({ what: 'settled', call, ok, ...more, state: read() })
      }
      try {
        const value = await perform(method, asking, { call, signal: controller?.signal })
        settled(true, { text: textOf(value) })
      } catch (error) {
        const failure = tokenErrorOf(error)
        settled(false, { code: failure?.code, transient: failure?.transient, text: String(error) })
      }
    },
    abort() {
      for (const [call, controller] of pending) {
        pending.delete(call)
        note({ what: 'aborted', call })
        controller.abort(new Error('the user went elsewhere'))
        return true
      }
      return false
    },
    dispose() {
      note({ what: 'dispose' })
      tokens.dispose()
    },
    pending: () => pending.size,
  }
}

/** Not what an access token is: nobody may write that down. */
function textOf(value: unknown): string {
  const { status, revoked } = Object(value) as { status?: number | string; revoked?: string }
  return String(status ?? revoked ?? 'done')
}
