import type { Reply } from './http.ts'

/** What goes wrong with one call. */
export interface Fault {
  /**
   * Instead of the server's own answer: `'silence'` never answers, `'drop'` destroys the socket, `'cut'` destroys it in
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
export const fault = {
  status: (status: number, headers: Record<string, string> = {}): Fault => ({
    answer: { status, headers: { 'Content-Type': 'text/plain', ...headers }, body: `status ${status}` },
  }),
  tooManyRequests: (retryAfter: string): Fault => fault.status(429, { 'Retry-After': retryAfter }),
  error: (error: string, status = 400): Fault => ({
    answer: { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ error }) },
  }),
  body: (body: string, contentType = 'application/json', status = 200): Fault => ({
    answer: { status, headers: { 'Content-Type': contentType }, body },
  }),
  captivePortal: (): Fault =>
    fault.body('<!doctype html><title>Welcome</title><h1>Accept the terms to go online</h1>', 'text/html'),
  emptyBody: (): Fault => fault.body(''),
  redirect: (to: string, status = 302): Fault => ({ answer: { status, headers: { Location: to } } }),
  delay: (delayMs: number): Fault => ({ delayMs }),
  silence: (): Fault => ({ answer: 'silence' }),
  dropped: (): Fault => ({ answer: 'drop' }),
  /** The server rotated the refresh token, and nobody learns the new one. */
  lostAnswer: (): Fault => ({ answer: 'drop', committed: true }),
  cutAnswer: (): Fault => ({ answer: 'cut', committed: true }),
  truncatedJson: (): Fault => ({ answer: 'truncate', committed: true }),
}

/** Holds one call until the test lets it go. */
export interface Gate {
  /** Resolves when the call stands at the gate. */
  readonly arrived: Promise<void>
  release(): void
}

export interface Faults {
  /** Applies `fault` to the next `times` calls of `endpoint` (`'*'`: of any). Faults of one endpoint queue up. */
  next(endpoint: string, fault: Fault, times?: number): void
  /** Holds the next call of `endpoint`: before the server handles it, or after it did and before it answers. */
  hold(endpoint: string, when?: 'before' | 'after'): Gate
  /** Forgets all faults and lets all held and delayed calls go. */
  clear(): void
  /** For the server: what awaits this call. */
  take(endpoint: string): { readonly fault: Fault | undefined; readonly gate: Passage | undefined }
  /** For the server: a pause that `clear` ends. */
  wait(delayMs: number): Promise<void>
}

interface Passage {
  pass(point: 'before' | 'after'): Promise<void> | undefined
}

export function createFaults(): Faults {
  const queued: { endpoint: string; fault: Fault; left: number }[] = []
  const gates: { endpoint: string; passage: Passage }[] = []
  const releases = new Set<() => void>()

  /** A promise that `clear` resolves at the latest. */
  function releasable(): { released: Promise<void>; release: () => void } {
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = () => {
        releases.delete(release)
        resolve()
      }
    })
    releases.add(release)
    return { released, release }
  }

  return {
    next(endpoint, fault, times = 1) {
      queued.push({ endpoint, fault, left: times })
    },
    hold(endpoint, when = 'before') {
      const { released, release } = releasable()
      let arrive = (): void => {}
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
      for (const release of [...releases]) release()
    },
    take(endpoint) {
      const matches = (entry: { endpoint: string }): boolean => entry.endpoint === endpoint || entry.endpoint === '*'
      const due = queued.find(matches)
      if (due !== undefined && --due.left <= 0) queued.splice(queued.indexOf(due), 1)
      const at = gates.findIndex(matches)
      const gate = at === -1 ? undefined : gates.splice(at, 1)[0]?.passage
      return { fault: due?.fault, gate }
    },
    async wait(delayMs) {
      const { released, release } = releasable()
      const timer = setTimeout(release, delayMs)
      await released
      clearTimeout(timer)
    },
  }
}
