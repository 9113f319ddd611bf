import type { TokenSource } from '../../ports.ts'
import type { Har, SecretKind } from '../har/format.ts'
import { type RedactOptions, toRedactedHar } from '../redact/har.ts'
import { type Given, study } from '../redact/study.ts'
import type { ServerClock } from '../servers/clock.ts'
import { type AxiosLike, recordAxios } from './axios.ts'
import { recordFetch } from './fetch.ts'
import { type Include, toFilter } from './filter.ts'
import { createTape } from './tape.ts'
import type { ManagerLike } from './held.ts'
import { type Notes, watchManager, watchSource } from './watch.ts'

export interface RecorderOptions {
  /** Whose tokens travel. Every token that it ever holds is known, and its calls to its source are recorded. Or several. */
  readonly manager?: ManagerLike | readonly ManagerLike[]
  /** What else is secret, and what may be told. */
  readonly redact?: RedactOptions
  /**
   * Which URLs are recorded: those that begin with a text, match an expression, or for which a function says so. Default: all.
   * What is secret is learned from the others too.
   */
  readonly include?: Include
  /** A larger body is left out, and the recording says so. Default 1 MiB. */
  readonly maxBodyBytes?: number
  /** The time that the servers go by, if it is a test that lets it pass (`createClock`). Default: real time. */
  readonly clock?: Pick<ServerClock, 'now'>
}

/**
 * Records what an application sends and is answered. What it records is held in memory as it was; `toHar` gives it without
 * secrets.
 */
export interface Recorder {
  /**
   * Records the requests of an axios instance as they are sent, after all interceptors, whatever its adapter. Call it
   * after `bindAxios`.
   *
   * @returns What undoes it.
   */
  attach(instance: AxiosLike): () => void
  /** A `fetch` that is recorded: hand it to `createFetch` as `fetch`, or use it as it is. */
  wrapFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch
  /** The source, with its calls recorded: for a manager that lives elsewhere, or a source with a `fetch` of its own. */
  watch<Login>(source: TokenSource<Login>): TokenSource<Login>
  /** One more value that may not be in the recording, also not where it was recorded already. */
  learn(secret: string, kind?: SecretKind): void
  /** Resolves when everything sent so far is answered and read. */
  settled(): Promise<void>
  /**
   * The recording so far, in the order in which the requests began.
   *
   * @throws {@link RecordingError} `secret_survived`: a secret is still in it, in whatever encoding. The message names the
   *   entry and the place, never the secret.
   */
  toHar(): Har
  /** Forgets what was recorded. What is secret stays so. */
  clear(): void
  /** Detaches from everything. What was recorded stays. */
  stop(): void
}

const MAX_BODY_BYTES = 1_048_576

/**
 * Makes a recorder. It patches nothing that it is not given.
 *
 * @example
 *   import { createRecorder } from 'tokenward/testing'
 *
 *   const recorder = createRecorder({ manager: tokens })
 *   recorder.attach(api)
 *   await api.get('/orders')
 *   await recorder.settled()
 *   const har = recorder.toHar()
 *
 * @throws {@link RecordingError} `unknown_manager`: `manager` was not made by `createTokenManager`.
 */
export function createRecorder(options: RecorderOptions = {}): Recorder {
  const { manager, redact = {}, include, maxBodyBytes = MAX_BODY_BYTES, clock } = options
  const { fields = [] } = redact
  const tape = createTape(clock && (() => clock.now()))
  const given = new Map<string, Given>()
  const undo: (() => void)[] = []
  const includes = toFilter(include)
  const notes: Notes = {
    record: (transport) => recordFetch(transport, { tape, fromSource: true, maxBodyBytes, includes }),
    know(secret) {
      const before = given.get(secret.value)
      given.set(secret.value, { ...secret, ...before, kind: before?.kind ?? secret.kind })
    },
  }
  for (const [index, one] of [manager ?? []].flat().entries()) {
    const know = ({ session, ...secret }: Given): void =>
      // Of what passes between the manager and its source nobody has said yet whose session it is.
      notes.know(session === undefined ? secret : { ...secret, session: `${index} ${session}` })
    undo.push(watchManager(one, { ...notes, know }))
  }

  return {
    attach(instance) {
      const detach = recordAxios(instance, { tape, maxBodyBytes, includes })
      undo.push(detach)
      return detach
    },
    wrapFetch: (fetch) => recordFetch(fetch, { tape, fromSource: false, maxBodyBytes, includes }),
    watch: (source) => watchSource(source, notes),
    learn: (value, kind = 'secret') => notes.know({ value, kind }),
    settled: tape.settled,
    toHar: () => toRedactedHar(tape.observed(), redact, [...given.values()]),
    clear() {
      // What it showed is known from now on, and whose it is.
      for (const secret of study(tape.observed(), { fields, given: [...given.values()] }).vault.secrets())
        notes.know(secret)
      tape.clear()
    },
    stop() {
      for (const detach of undo.splice(0)) detach()
    },
  }
}
