import { realTime, type Reply } from './http.ts'
import type { ServerClock } from './clock.ts'
import { timer as platformTimer } from '../../adapters/clock.ts'

/** What goes wrong with one call. */
export interface Fault {
  /**
   * Instead of the server's own answer: `'silence'` never answers, `'drop'` ends the connection, `'cut'` ends it in
   * the middle of the body, `'truncate'` sends half of the body as if it were all. Absent: the own answer, late.
   */
  readonly answer?: 'silence' | 'drop' | 'cut' | 'truncate' | Reply
  /** The server does its work first (a refresh token is spent): only the answer goes wrong. */
  readonly committed?: boolean
  readonly delayMs?: number
  /** Leaves the CORS headers out: a page on another origin sees a network error. */
  readonly withoutCors?: boolean
}

/** The faults of real servers and networks, by name. */
export interface FaultMakers {
  status(status: number, headers?: Readonly<Record<string, string>>): Fault
  /** 429. `retryAfter`: seconds, or an HTTP date. */
  tooManyRequests(retryAfter: string): Fault
  /** 503, with `Retry-After` where it is given. */
  unavailable(retryAfter?: string): Fault
  /** A JSON body with an OAuth error code (RFC 6749 section 5.2). */
  error(error: string, status?: number): Fault
  body(body: string, contentType?: string, status?: number): Fault
  /** A hotel's page of terms: 200 and HTML. */
  captivePortal(): Fault
  emptyBody(): Fault
  malformedJson(): Fault
  redirect(to: string, status?: number): Fault
  delay(delayMs: number): Fault
  silence(): Fault
  /** The connection is reset before the server has done anything. */
  dropped(): Fault
  /** The server rotated the refresh token, and nobody learns the new one. */
  lostAnswer(): Fault
  cutAnswer(): Fault
  truncatedJson(): Fault
}

/**
 * @example
 *   const auth = await createAuthServer()
 *   auth.faults.next('refresh', fault.tooManyRequests('30'))
 */
export const fault: FaultMakers = {
  status: (status, headers = {}) => ({
    answer: { status, headers: { 'Content-Type': 'text/plain', ...headers }, body: `status ${status}` },
  }),
  tooManyRequests: (retryAfter) => fault.status(429, { 'Retry-After': retryAfter }),
  unavailable: (retryAfter) => fault.status(503, retryAfter === undefined ? {} : { 'Retry-After': retryAfter }),
  error: (error, status = 400) => ({
    answer: { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ error }) },
  }),
  body: (body, contentType = 'application/json', status = 200) => ({
    answer: { status, headers: { 'Content-Type': contentType }, body },
  }),
  captivePortal: () =>
    fault.body('<!doctype html><title>Welcome</title><h1>Accept the terms to go online</h1>', 'text/html'),
  emptyBody: () => fault.body(''),
  malformedJson: () => fault.body('{"access_token": '),
  redirect: (to, status = 302) => ({ answer: { status, headers: { Location: to } } }),
  delay: (delayMs) => ({ delayMs }),
  silence: () => ({ answer: 'silence' }),
  dropped: () => ({ answer: 'drop' }),
  lostAnswer: () => ({ answer: 'drop', committed: true }),
  cutAnswer: () => ({ answer: 'cut', committed: true }),
  truncatedJson: () => ({ answer: 'truncate', committed: true }),
}

/** Holds one call until the test lets it go. */
export interface Gate {
  /** Resolves when the call stands at the gate. */
  readonly arrived: Promise<void>
  release(): void
}

/** What goes wrong at a server, changed while it runs. An endpoint is a name of the server's, or `'*'`: any. */
export interface Faults {
  /** Applies `fault` to the next `times` calls of `endpoint`. Faults of one endpoint queue up. */
  next(endpoint: string, fault: Fault, times?: number): void
  /** Applies `fault` to every call of `endpoint` that no other fault awaits. Returns what ends it. */
  always(endpoint: string, fault: Fault): () => void
  /** Nobody reaches the server for `durationMs` of its clock. Default: each connection is reset. */
  outage(durationMs: number, fault?: Fault): void
  /** Holds the next call of `endpoint`: before the server handles it, or after it did and before it answers. */
  hold(endpoint: string, when?: 'before' | 'after'): Gate
  /** Forgets all faults and lets all held and delayed calls go. */
  clear(): void
}

/** What the server that has these faults asks. */
export interface ServedFaults extends Faults {
  /** What awaits this call. */
  take(endpoint: string): { readonly fault: Fault | undefined; readonly gate: Passage | undefined }
  /** A pause that `clear` ends. */
  wait(delayMs: number): Promise<void>
}

interface Passage {
  pass(point: 'before' | 'after'): Promise<void> | undefined
}

interface Standing {
  readonly endpoint: string
  readonly fault: Fault
  /** Epoch milliseconds. */
  readonly untilAt: number
}

export function createFaults({ now, timer = platformTimer }: ServerClock = realTime): ServedFaults {
  const queued: { endpoint: string; fault: Fault; left: number }[] = []
  const gates: { endpoint: string; passage: Passage }[] = []
  const releases = new Set<() => void>()
  let standing: Standing[] = []

  /** A promise that `clear` resolves at the latest. */
  function releasable(): { released: Promise<void>; release: () => void } {
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => {
      release = () => {
        releases.delete(release)
        resolve()
      }
    })
    releases.add(release)
    return { released, release }
  }

  function stand(one: Standing): () => void {
    standing.unshift(one)
    return () => void (standing = standing.filter((other) => other !== one))
  }

  return {
    next(endpoint, wrong, times = 1) {
      queued.push({ endpoint, fault: wrong, left: times })
    },
    always: (endpoint, wrong) => stand({ endpoint, fault: wrong, untilAt: Infinity }),
    outage: (durationMs, wrong = fault.dropped()) =>
      void stand({ endpoint: '*', fault: wrong, untilAt: now() + durationMs }),
    hold(endpoint, when = 'before') {
      const { released, release } = releasable()
      let arrive = (): void => undefined
      const arrived = new Promise<void>((resolve) => (arrive = resolve))
      const pass = (point: 'before' | 'after'): Promise<void> | undefined => {
        if (point !== when) return undefined
        arrive()
        return released
      }
      gates.push({ endpoint, passage: { pass } })
      return { arrived, release }
    },
    clear() {
      queued.length = 0
      gates.length = 0
      standing = []
      for (const release of [...releases]) release()
    },
    take(endpoint) {
      const matches = (entry: { endpoint: string }): boolean => entry.endpoint === endpoint || entry.endpoint === '*'
      const due = queued.find(matches)
      if (due !== undefined && --due.left <= 0) queued.splice(queued.indexOf(due), 1)
      const at = gates.findIndex(matches)
      const gate = at === -1 ? undefined : gates.splice(at, 1)[0]?.passage
      standing = standing.filter(({ untilAt }) => untilAt > now())
      return { fault: due?.fault ?? standing.find(matches)?.fault, gate }
    },
    async wait(delayMs) {
      const { released, release } = releasable()
      const stop = timer(release, delayMs)
      await released
      stop()
    },
  }
}
