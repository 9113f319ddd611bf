import type { Timer } from '../ports.ts'

/** An attempt under way, and the nonce that its proof has. */
export interface Attempt {
  readonly server: string
  /** On the monotonic clock. */
  readonly sentAt: number
  readonly nonce: string | undefined
}

/** The nonces of every server: the last one that each has given. */
export interface Nonces {
  /** Begins an attempt. Waits for its turn where `server` may take each nonce only once. */
  begin(server: string): Promise<Attempt>
  /** What the answer brought. `true`: a nonce that the attempt did not have. */
  learn(attempt: Attempt, header: (name: string) => string | null): boolean
}

interface Lane {
  nonce: string | undefined
  /** When the attempt began that has brought it. */
  from: number
  /** The last nonce that was good for an attempt. */
  accepted: string | undefined
  /** One nonce was good for two attempts: then it is for many. */
  reusable: boolean
  /** When a nonce was asked for last. */
  challengedAt: number
  /** Attempts without an answer yet. */
  readonly flying: Set<Attempt>
  /** Whoever waits for the turn after all who are waiting now. */
  line: Promise<void>
  wake: () => void
}

/**
 * Attempts that were begun this close to each other were answered in the order in which the answers came: on a busy device
 * those of one task are spread over so long.
 */
const CLOSE_MS = 500
/** How long after a challenge attempts go one by one. */
const CAREFUL_MS = 1_000
/** How long an attempt may keep the next one waiting, and how long one waits in all. */
const LONGEST_TURN_MS = 1_000
const LONGEST_WAIT_MS = 8_000
/** Servers that are remembered. */
const MOST_LANES = 100

/**
 * Where a server takes a nonce only once, and many requests are sent at once, all but one would need more than the one
 * retry that each of them has. So after a challenge they go one by one, until a nonce has been good for two: most servers
 * take each for some minutes.
 *
 * @see [RFC 9449 section 8.2](https://www.rfc-editor.org/rfc/rfc9449.html#section-8.2)
 */
export function createNonces(now: () => number, timer: Timer): Nonces {
  const lanes = new Map<string, Lane>()

  function laneOf(server: string): Lane {
    const known = lanes.get(server)
    if (known) return known
    if (lanes.size >= MOST_LANES) lanes.clear()
    const lane: Lane = {
      nonce: undefined,
      from: -Infinity,
      accepted: undefined,
      reusable: false,
      challengedAt: -Infinity,
      flying: new Set(),
      line: Promise.resolve(),
      wake() {},
    }
    lanes.set(server, lane)
    return lane
  }

  /** An answer may never come. */
  function giveUp({ flying }: Lane, at: number): void {
    for (const attempt of flying) {
      if (at - attempt.sentAt < LONGEST_TURN_MS) return
      flying.delete(attempt)
    }
  }

  /** Nobody is under way, or has been for so long that no answer may ever come. */
  async function quiet(lane: Lane, until: number): Promise<void> {
    for (;;) {
      const at = now()
      giveUp(lane, at)
      if (lane.reusable || !lane.flying.size || at >= until) return
      await new Promise<void>((resolve) => {
        const stop = timer(resolve, Math.min(LONGEST_TURN_MS, until - at))
        lane.wake = () => {
          stop()
          resolve()
        }
      })
    }
  }

  return {
    async begin(server) {
      const lane = laneOf(server)
      const at = now()
      if (!lane.reusable && at - lane.challengedAt < CAREFUL_MS) {
        const turn = lane.line.then(() => quiet(lane, at + LONGEST_WAIT_MS))
        lane.line = turn
        await turn
      }
      const attempt = { server, sentAt: now(), nonce: lane.nonce }
      giveUp(lane, attempt.sentAt)
      lane.flying.add(attempt)
      return attempt
    },

    learn(attempt, header) {
      const { server, sentAt, nonce } = attempt
      const lane = laneOf(server)
      lane.flying.delete(attempt)
      const challenge = header('www-authenticate')
      if (challenge?.includes('use_dpop_nonce')) lane.challengedAt = now()
      else if (challenge === null && nonce !== undefined) {
        lane.reusable ||= lane.accepted === nonce
        lane.accepted = nonce
      }
      // RFC 9449 section 8.1.
      const given = /^[!#-[\]-~]+$/.exec(header('dpop-nonce') ?? '')?.[0]
      // An answer that was long under way does not know of the newer one.
      if (given !== undefined && sentAt + CLOSE_MS >= lane.from) {
        lane.nonce = given
        lane.from = Math.max(sentAt, lane.from)
      }
      lane.wake()
      return given !== undefined && given !== nonce
    },
  }
}
