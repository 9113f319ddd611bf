import { vi } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import { createAttempts } from '../../src/flow/attempts.ts'
import { createCalls } from '../../src/flow/calls.ts'
import type { Parts } from '../../src/flow/parts.ts'
import { createProbation } from '../../src/flow/probation.ts'
import { createSiblings, type SiblingOptions } from '../../src/flow/siblings.ts'
import { createSignOut, type SignOut } from '../../src/flow/sign-out.ts'
import { createWatch } from '../../src/flow/watch.ts'
import { createEmitter } from '../../src/lib/emitter.ts'
import { endAll } from '../../src/lib/waiters.ts'
import type { Settings } from '../../src/options.ts'
import type { Ports, TokenSource, TokenStorage } from '../../src/ports.ts'
import type { TokenEvents } from '../../src/session/events.ts'
import { createNarrow } from '../../src/session/narrow.ts'
import { createSession } from '../../src/session/session.ts'
import type { SessionState } from '../../src/session/snapshot.ts'
import { heldIn, isSignedIn } from '../../src/session/state.ts'
import { createSessionStore } from '../../src/session/store.ts'
import { createEpochs } from '../../src/tabs/epochs.ts'
import { type Stored, type TabRecord, toEpoch } from '../../src/tabs/record.ts'
import { createSealing } from '../../src/tabs/sealing.ts'
import { createShare } from '../../src/tabs/share.ts'
import type { TokenSet } from '../../src/token.ts'
import { tokensOf } from '../session/stage.ts'
import { createWorld, settle, type World } from '../support/world.ts'

export const TIMEOUT_MS = 10_000
/** One of a sign-in. */
export const EPOCH = 7

const name = 'app'

export interface Given {
  /** Never answers, unless it is told to. */
  readonly source?: Partial<TokenSource<never>>
  readonly settings?: Partial<Settings>
  readonly storage?: TokenStorage
  readonly ports?: Partial<Ports>
  readonly parts?: Partial<Parts>
  /** Tabs of one world share what tabs share. */
  readonly world?: World
}

/** One tab without its flows: what they share is all real, only the source and what is around the page are not. */
export function openTab({ source, settings, storage, ports, parts: given, world = createWorld() }: Given = {}) {
  const told: { readonly type: keyof TokenEvents }[] = []
  const replaced = vi.fn<SiblingOptions['replaced']>()
  const life = new AbortController()
  const around = { ...world.ports, fetch, ...ports }
  const events = createEmitter<TokenEvents>(world.ports.report)
  for (const type of ['refreshed', 'refresh-failed', 'alert', 'degraded', 'challenged', 'withheld'] as const)
    events.on(type, (event) => void told.push({ type, ...event }))
  const degraded = (what: string): void => events.emit('degraded', { what, why: 'unknown' })
  const store = createSessionStore((state, previous) => {
    parts.siblings.look()
    if (isSignedIn(state) && !isSignedIn(previous)) events.emit('signed-in', { session: state.session.id })
  })
  const share = createShare({
    ...{ name, ports: around, patienceMs: 1_000, degraded },
    hear: (message) => void parts.siblings.hear(message),
    learn: (epoch) => parts.epochs.hear(epoch),
  })
  const all: Settings = {
    ...{ name, resources: undefined, allowHttp: false, leewayMs: 60_000, background: true },
    limits: { idleMs: Infinity, absoluteMs: Infinity, warnMs: 60_000 },
    requestTimeoutMs: TIMEOUT_MS,
    ...settings,
  }
  const asked: TokenSource<never> = {
    ...{ id: name, credential: 'token' },
    refresh: () => new Promise(() => {}),
    ...source,
  }
  const narrow = createNarrow(() => around.clock.now())
  const probation = createProbation()
  const parts: Parts = {
    ...{ source: asked, ports: around, settings: all, store, events, share, narrow, probation },
    calls: createCalls(asked, around, { ...all, life: life.signal, degraded, skewed() {} }),
    attempts: createAttempts<SessionState>(() => {}),
    epochs: createEpochs(name, around, degraded),
    siblings: createSiblings(store, share, around, {
      ...{ probation, narrow, replaced },
      isHolder: ({ tokens }) => !storage && tokens?.refreshToken !== undefined,
    }),
    sealing: storage && createSealing(storage, { ...all, timer: around.timer, degraded }),
    watch: createWatch(events),
    by: 'me',
    life: life.signal,
    newSession: (epoch, started) => createSession(epoch, started, around.newAbort()),
    hasCredential: ({ tokens }) =>
      asked.credential === 'cookie' ||
      tokens?.refreshToken !== undefined ||
      storage !== undefined ||
      (!tokens && asked.restore !== undefined),
    canRefresh: (held) => parts.hasCredential(held) || (held.tokens?.elsewhere ?? true),
    ...given,
  }
  const record = () => world.shared.stored.get(name) as TabRecord | undefined
  const write = (part: Partial<TabRecord>) =>
    void world.shared.stored.set(name, { version: 1, epoch: 0, sequence: 1, active: world.now(), ...part })
  return {
    ...{ parts, world, told, replaced, record },
    make: (part: Partial<TokenSet> = {}) => tokensOf({ obtained: around.clock.now(), ...part }),
    /** What this tab and the others have told each other. */
    posted: () => world.shared.posted.map(({ message }) => message),
    /** What another tab has written. */
    write,
    /** What another tab has changed. */
    change: (part: Partial<TabRecord>) => write({ ...record(), ...part }),
    dispose: (error = new TokenError('aborted', 'disposed of')) => endAll(life, error),
  }
}

/** A tab that takes part in what others do, for flows that a sign-out is given to: this one does only what it must. */
export function openMember(given: Given = {}) {
  const tab = openTab(given)
  const { store, epochs, share, newSession, ports } = tab.parts
  const signOut = {
    ...createSignOut(tab.parts),
    end: vi.fn<SignOut['end']>((session, reason) => {
      if (heldIn(store.get())?.session === session) store.dispatch({ type: 'ended', reason, elsewhere: false })
    }),
    notice: vi.fn<SignOut['notice']>(() => {
      const held = heldIn(store.get())
      if (held && held.session.epoch !== epochs.newest()?.epoch)
        store.dispatch({ type: 'ended', reason: 'replaced', elsewhere: true })
    }),
    announce: vi.fn<SignOut['announce']>(() => 0),
    loseCookie: vi.fn<SignOut['loseCookie']>(),
    orphan: vi.fn<SignOut['orphan']>(async () => {}),
  }
  share.open()
  return {
    ...{ ...tab, signOut },
    /** Signs in with tokens that were obtained now; `undefined`: in another tab. */
    async signIn(tokens?: Partial<TokenSet>, stored?: Stored) {
      const now = ports.clock.now()
      epochs.hear(EPOCH)
      const session = newSession(EPOCH, now)
      await share.update(toEpoch(EPOCH, now.wall, stored))
      store.dispatch({ type: 'started', session, tokens: tokens && tab.make({ refreshToken: 'r1', ...tokens }) })
      return session
    },
    /** Another tab has signed in. */
    replace: () => epochs.hear(EPOCH + 3 * 32 * 16),
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
  return [refreshToken, `tokenward 1 ${name} ${epoch}`]
}

/** A promise that a test settles when it chooses. */
export function pending<T>() {
  let resolve = (_value: T): void => {}
  let reject = (_error: Error): void => {}
  const promise = new Promise<T>((...settle) => ([resolve, reject] = settle))
  promise.catch(() => {})
  return { promise, resolve, reject }
}

/** What comes of `promise`. */
export function watched<T>(promise: Promise<T>) {
  const seen: { value?: T; error?: unknown; settled: boolean } = { settled: false }
  promise.then(
    (value) => Object.assign(seen, { value, settled: true }),
    (error: unknown) => Object.assign(seen, { error, settled: true }),
  )
  return seen
}

/** What has come of `promise` by now. */
export async function fateOf(promise: Promise<unknown>): Promise<unknown> {
  const seen = watched(promise)
  await settle()
  const { settled, ...fate } = seen
  return settled ? fate : 'pending'
}
