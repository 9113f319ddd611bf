import type { Box } from '../adapters/box.ts'
import type { Popup } from '../adapters/page.ts'
import { TokenError } from '../errors.ts'
import type { Channel, Timer } from '../ports.ts'
import type { LoginPage } from './setup.ts'

export interface PopupOptions {
  readonly page: LoginPage
  /** Only the answer to this login is ours. */
  readonly state: string
  /** What another page of this origin seals its answer for. */
  readonly box: Box
  readonly channel: string
  readonly signal: AbortSignal
  /** Whether a URL is an answer to this login. */
  isAnswer(href: string): boolean
}

/** What the page in the popup says: for one login, and in a box that only the page which began it can open. */
export interface PopupMessage {
  readonly state: string
  readonly box: object
}

const LOOK_MS = 100
/** How long the message of a popup that has closed itself may take. */
const CLOSED_MS = 500
/** The same where the popup was never seen at the authorization server: something may have cut it off from us. */
const SEVERED_MS = 3_000
const LONGEST_MS = 600_000

/**
 * Resolves with the URL that the popup came back to. It is read off the popup where that is possible, and else told by the page
 * in it: a page with `Cross-Origin-Opener-Policy` on the way cuts the two apart, and a popup that was cut off looks as if it
 * were closed. So it counts as closed only while the user is here, and not in another window.
 *
 * @throws `aborted` when it was closed, or by `signal`; `timeout` when nothing came for ten minutes.
 */
export function answerOf(popup: Popup, options: PopupOptions): Promise<string> {
  const { page, state, box, signal, isAnswer } = options
  let stop = (): void => {}
  const answer = new Promise<string>((resolve, reject) => {
    let wasAway = false
    let closedMs = 0
    const abort = (): void => reject(signal.reason as Error)
    const found = (href: string | undefined): boolean => {
      const ours = href !== undefined && isAnswer(href)
      if (ours) resolve(href)
      return ours
    }
    const look = (): void => {
      const href = popup.url()
      if (found(href)) return
      if (!popup.isClosed()) wasAway ||= href === undefined
      else if (page.hasFocus() && (closedMs += LOOK_MS) > (wasAway ? CLOSED_MS : SEVERED_MS)) {
        reject(new TokenError('aborted', 'the window was closed before the user was signed in'))
      }
      stopLooking = page.timer(look, LOOK_MS)
    }
    const channel = hear(page, options.channel, (message) => {
      const { state: whose, box: filled } = Object(message) as Partial<PopupMessage>
      if (whose === state) box.open(filled).then(found, () => {})
    })
    let stopLooking = page.timer(look, LOOK_MS)
    const late = new TokenError('timeout', 'the window has not come back', { transient: true })
    const stopWaiting = page.timer(() => reject(late), LONGEST_MS)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    stop = () => {
      signal.removeEventListener('abort', abort)
      stopLooking()
      stopWaiting()
      channel?.close()
      popup.close()
    }
  })
  return answer.finally(stop)
}

/** `undefined`: there are no channels here, and the popup can only be read. */
function hear({ openChannel }: LoginPage, name: string, listener: (message: unknown) => void): Channel | undefined {
  try {
    return openChannel(name, listener)
  } catch {
    return undefined
  }
}

/** Sleeps: for a message that has to leave before the window closes. */
export function pause(timer: Timer, ms: number): Promise<void> {
  return new Promise((resolve) => void timer(resolve, ms))
}
