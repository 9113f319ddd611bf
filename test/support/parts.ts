import { vi } from 'vitest'
import type { TokenError } from '../../src/errors.ts'
import { createAttempts } from '../../src/flow/attempts.ts'
import { createCalls } from '../../src/flow/calls.ts'
import type { Parts } from '../../src/flow/parts.ts'
import { createProbation } from '../../src/flow/probation.ts'
import { createSiblings } from '../../src/flow/siblings.ts'
import type { SignOut } from '../../src/flow/sign-out.ts'
import { createWatch } from '../../src/flow/watch.ts'
import { createEmitter } from '../../src/lib/emitter.ts'
import { endAll } from '../../src/lib/waiters.ts'
import { parseOptions, type TokenManagerOptions } from '../../src/options.ts'
import type { Ports, TokenSource, TokenStorage } from '../../src/ports.ts'
import type { TokenEvents } from '../../src/session/events.ts'
import { createNarrow } from '../../src/session/narrow.ts'
import { createSession, type OwnedSession } from '../../src/session/session.ts'
import { heldIn } from '../../src/session/state.ts'
import { createSessionStore } from '../../src/session/store.ts'
import { createEpochs } from '../../src/tabs/epochs.ts'
import { type Stored, type TabRecord, toEpoch } from '../../src/tabs/record.ts'
import { createSealing } from '../../src/tabs/sealing.ts'
import { createShare } from '../../src/tabs/share.ts'
import type { TokenSet } from '../../src/token.ts'
import { tokensOf } from '../session/stage.ts'
import type { World } from './world.ts'

export interface TabOptions extends Pick<TokenManagerOptions<never>, 'timing' | 'storage' | 'resources'> {
  readonly source?: Partial<TokenSource<never>>
  readonly ports?: Partial<Ports>
  readonly by?: string
}

/** One tab without its manager: what every flow is given, all of it real, but for a sign-out that only does what it must. */
export interface Tab {
  readonly parts: Parts
  readonly signOut: {
    readonly [K in 'end' | 'notice' | 'announce' | 'loseCookie' | 'orphan']: ReturnType<typeof vi.fn<SignOut[K]>>
  }
  /** What the application was told, in order. */
  readonly told: [keyof TokenEvents, unknown][]
  readonly degraded: ReturnType<typeof vi.fn>
  /** Signs in with tokens that were obtained now; `undefined`: in another tab. The epoch is one of a sign-in. */
  signIn(tokens?: Partial<TokenSet>, stored?: Stored): Promise<OwnedSession>
  /** The manager is disposed of. */
  dispose(error: TokenError): void
  /** What the tabs have in common. */
  record(): TabRecord | undefined
  /** What this tab and the others have told each other, but for what `signIn` tells. */
  posted(): object[]
}

export const EPOCH = 7

/** @param given The source never answers, unless it is told to. */
export function createTab(
  world: World,
  { source, ports, by = 'me', timing, storage, resources }: TabOptions = {},
): Tab {
  const never = (): Promise<never> => new Promise(() => {})
  const settings = parseOptions<never>(
    {
      source: { id: 'here', credential: 'token', refresh: never, ...source },
      name: 'app',
      ...(timing && { timing }),
      ...(storage && { storage }),
      ...(resources && { resources }),
    },
    { ...world.ports, fetch: never, ...ports },
  )
  const { clock, newAbort, timer, report } = settings.ports
  const told: [keyof TokenEvents, unknown][] = []
  const degraded = vi.fn()
  const events = createEmitter<TokenEvents>(report)
  for (const type of ['refreshed', 'refresh-failed', 'alert'] as const)
    events.on(type, (event) => void told.push([type, event]))
  const life = newAbort()
  const store = createSessionStore(() => parts.siblings.look())
  const narrow = createNarrow(() => clock.now())
  const probation = createProbation()
  const signOut: Tab['signOut'] = {
    end: vi.fn<SignOut['end']>((session, reason) => {
      if (heldIn(store.get())?.session === session) store.dispatch({ type: 'ended', reason, elsewhere: false })
    }),
    notice: vi.fn<SignOut['notice']>(() => {
      const held = heldIn(store.get())
      if (held && held.session.epoch !== parts.epochs.newest()?.epoch)
        store.dispatch({ type: 'ended', reason: 'replaced', elsewhere: true })
    }),
    announce: vi.fn<SignOut['announce']>(() => 0),
    loseCookie: vi.fn<SignOut['loseCookie']>(),
    orphan: vi.fn<SignOut['orphan']>(async () => {}),
  }
  const share = createShare({
    name: settings.name,
    patienceMs: 1_000,
    ports: settings.ports,
    hear: (message) => void parts.siblings.hear(message),
    learn: (epoch) => parts.epochs.hear(epoch),
    degraded,
  })
  const parts: Parts = {
    source: settings.source,
    ports: settings.ports,
    settings,
    store,
    events,
    calls: createCalls(settings.source, settings.ports, { ...settings, life: life.signal, degraded, skewed() {} }),
    attempts: createAttempts(() => signOut.notice()),
    epochs: createEpochs(settings.name, settings.ports, degraded),
    share,
    siblings: createSiblings(store, share, settings.ports, {
      probation,
      narrow,
      isHolder: ({ tokens }) => tokens?.refreshToken !== undefined,
      replaced() {},
    }),
    sealing: storage && createSealing(storage, { ...settings, timer, degraded }),
    watch: createWatch(events),
    probation,
    narrow,
    by,
    life: life.signal,
    newSession: (epoch, started) => createSession(epoch, started, newAbort()),
    hasCredential: ({ tokens }) =>
      settings.source.credential === 'cookie' || tokens?.refreshToken !== undefined || storage !== undefined,
    canRefresh: (held) => parts.hasCredential(held) || (held.tokens?.elsewhere ?? true),
  }
  share.open()

  return {
    parts,
    signOut,
    told,
    degraded,
    async signIn(tokens, stored) {
      parts.epochs.hear(EPOCH)
      const session = parts.newSession(EPOCH, clock.now())
      await share.update(toEpoch(EPOCH, clock.now().wall, stored))
      store.dispatch({
        type: 'started',
        session,
        tokens: tokens && tokensOf({ obtained: clock.now(), refreshToken: 'r1', ...tokens }),
      })
      return session
    },
    dispose: (error) => endAll(life, error),
    record: () => world.shared.stored.get(settings.name) as TabRecord | undefined,
    posted: () => world.shared.posted.map(({ message }) => message),
  }
}

/** A storage whose seals are easy to read. */
export function createDrawer(): TokenStorage {
  return {
    seal: async (plain, bind) => [new TextDecoder().decode(plain), bind],
    async open(sealed, bind) {
      const [plain, boundTo] = sealed as readonly [string, string]
      return boundTo === bind ? new TextEncoder().encode(plain) : undefined
    },
    forget: async () => {},
  }
}

/** As a drawer has sealed it. */
export function sealed(refreshToken: string, epoch = EPOCH): unknown {
  return [refreshToken, `tokenward 1 app ${epoch}`]
}

/** What has come of `promise` by now. */
export function watched<T>(promise: Promise<T>) {
  const seen: { value?: T; error?: unknown; settled: boolean } = { settled: false }
  promise.then(
    (value) => Object.assign(seen, { value, settled: true }),
    (error: unknown) => Object.assign(seen, { error, settled: true }),
  )
  return seen
}
