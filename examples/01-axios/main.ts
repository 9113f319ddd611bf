import { tokenErrorOf, type SessionState } from 'tokenward'
import { forgetAnswers, offerActions } from './actions.ts'
import { element, say } from './dom.ts'
import { drawLanes } from './lanes.ts'
import { leftOf, showLife } from './life.ts'
import { keepLog } from './log.ts'
import { tokens } from './session.ts'
import { offerSituations } from './situations.ts'
import { drawTimeline } from './timeline.ts'
import { lastRefresh } from './traffic.ts'
import { explain, headline, reason } from './words.ts'

const signIn = element('sign-in', HTMLFormElement)
const email = element('email', HTMLInputElement)
const password = element('password', HTMLInputElement)
const problem = element('problem', HTMLElement)
const card = element('state', HTMLElement)
const status = element('status', HTMLElement)
const why = element('why', HTMLElement)
const session = element('session', HTMLElement)
const logOut = element('log-out', HTMLButtonElement)
const often = element('often', HTMLInputElement)

tokens.subscribe(render)
// What is good now is over a moment later.
setInterval(explainState, 250)
showLife(tokens)
drawTimeline(tokens)
drawLanes(element('tabs', HTMLUListElement), tokens)
keepLog(tokens)
const run = offerActions()
void offerSituations()

signIn.addEventListener('submit', (event) => {
  event.preventDefault()
  void logIn()
})
logOut.addEventListener('click', () => void tokens.logout())
element('beside', HTMLButtonElement).addEventListener('click', () => {
  const width = Math.round(screen.availWidth / 2)
  open('./', '_blank', `popup,width=${width},height=${screen.availHeight},left=${width},top=0`)
})
setInterval(() => {
  if (often.checked && tokens.getState().signedIn) void run('call')
}, 1_000)

async function logIn(): Promise<void> {
  problem.textContent = ''
  try {
    await tokens.login({ email: email.value, password: password.value })
    signIn.reset()
  } catch (error) {
    problem.textContent = explain({ code: tokenErrorOf(error)?.code })
  }
}

function render(state: SessionState): void {
  card.dataset['status'] = state.status
  say(status, headline(state))
  explainState()
  if (session.hidden === state.signedIn) {
    forgetAnswers()
    often.checked = false
  }
  show(session, state.signedIn)
  show(logOut, state.signedIn)
  show(signIn, state.status === 'signed-out')
}

function explainState(): void {
  const state = tokens.getState()
  const retryAt = state.signedIn ? state.error?.retryAt : undefined
  say(why, reason(state, { good: leftOf(state) > 0, refresh: lastRefresh(), retryAt }))
}

function show(part: HTMLElement, shown: boolean): void {
  // Keyboard and screen reader would be left nowhere: they go on at the line that says what happened.
  if (!shown && part.contains(document.activeElement)) status.focus()
  part.hidden = !shown
}

// Last, when everything above is there: finds the session that a reload left.
tokens.restore().catch((error: unknown) => {
  render(tokens.getState())
  problem.textContent = explain({ code: tokenErrorOf(error)?.code })
})
