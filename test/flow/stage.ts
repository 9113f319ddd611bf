import { createAttempts } from '../../src/flow/attempts.ts'
import { createCalls } from '../../src/flow/calls.ts'
import type { Parts } from '../../src/flow/parts.ts'
import { createProbation } from '../../src/flow/probation.ts'
import { createSiblings } from '../../src/flow/siblings.ts'
import { createWatch } from '../../src/flow/watch.ts'
import { createEmitter } from '../../src/lib/emitter.ts'
import { endAll } from '../../src/lib/waiters.ts'
import type { Settings } from '../../src/options.ts'
import type { Ports, TokenSource } from '../../src/ports.ts'
import type { TokenEvents } from '../../src/session/events.ts'
import { createNarrow } from '../../src/session/narrow.ts'
import { createSession } from '../../src/session/session.ts'
import type { SessionState } from '../../src/session/snapshot.ts'
import { isSignedIn } from '../../src/session/state.ts'
import { createSessionStore } from '../../src/session/store.ts'
import { createEpochs } from '../../src/tabs/epochs.ts'
import type { Message } from '../../src/tabs/messages.ts'
import type { TabRecord } from '../../src/tabs/record.ts'
import type { Sealing } from '../../src/tabs/sealing.ts'
import { createShare } from '../../src/tabs/share.ts'
import type { TokenSet } from '../../src/token.ts'
import { tokensOf } from '../session/stage.ts'
import { createWorld, settle, type World } from '../support/world.ts'

export const TIMEOUT_MS = 10_000

export interface Given {
  readonly source?: Partial<TokenSource<never>>
  readonly settings?: Partial<Settings>
  readonly sealing?: Partial<Sealing>
  readonly ports?: Partial<Ports>
  readonly parts?: Partial<Parts>
  /** Tabs of one world share what tabs share. */
  readonly world?: World
}

/** One tab without its flows: what they share is all real, only the source and what is around the page are not. */
export function openTab({ source, settings, sealing, ports, parts: given, world = createWorld() }: Given = {}) {
  const name = 'desk'
  const heard: Message[] = []
  const told: unknown[] = []
  const life = new AbortController()
  const around = { ...world.ports, fetch, ...ports }
  const events = createEmitter<TokenEvents>(world.ports.report)
  for (const type of ['alert', 'degraded', 'challenged', 'withheld', 'signed-in'] as const)
    events.on(type, (event: object) => void told.push({ type, ...event }))
  const degraded = (what: string): void => void told.push({ type: 'degraded', what })
  const store = createSessionStore((state, previous) => {
    parts.siblings.look()
    if (isSignedIn(state) && !isSignedIn(previous)) events.emit('signed-in', { session: state.session.id })
  })
  const share = createShare({
    ...{ name, ports: around, patienceMs: 1_000, degraded },
    hear: (message) => void heard.push(message),
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
    refresh: () => Promise.reject(new Error('nobody refreshes here')),
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
      ...{ probation, narrow, isHolder: () => false, replaced: () => {} },
    }),
    sealing: sealing && {
      seal: async (refreshToken) => refreshToken && `sealed ${refreshToken}`,
      open: async (sealed) => (sealed as string | undefined)?.replace('sealed ', ''),
      forget: async () => {},
      ...sealing,
    },
    watch: createWatch(events),
    by: 'me',
    life: life.signal,
    newSession: (epoch, started) => createSession(epoch, started, new AbortController()),
    hasCredential: () => true,
    canRefresh: () => true,
    ...given,
  }
  return {
    ...{ parts, world, heard, told },
    make: (part: Partial<TokenSet> = {}) => tokensOf({ obtained: around.clock.now(), ...part }),
    /** What was told to the other tabs. */
    posted: () => world.shared.posted.map(({ message }) => message),
    record: () => world.shared.stored.get(name) as TabRecord | undefined,
    /** What another tab has written. */
    write: (record: Partial<TabRecord>) =>
      void world.shared.stored.set(name, { version: 1, epoch: 0, sequence: 1, active: world.now(), ...record }),
    dispose: () => endAll(life, new Error('disposed of')),
  }
}

/** A promise that a test settles when it chooses. */
export function pending<T>() {
  let resolve = (_value: T): void => {}
  let reject = (_error: Error): void => {}
  const promise = new Promise<T>((...settle) => ([resolve, reject] = settle))
  promise.catch(() => {})
  return { promise, resolve, reject }
}

/** What has come of `promise` by now. */
export async function fateOf(promise: Promise<unknown>): Promise<unknown> {
  let fate: unknown = 'pending'
  promise.then(
    (value) => (fate = { value }),
    (error: unknown) => (fate = { error }),
  )
  await settle()
  return fate
}
