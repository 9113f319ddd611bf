import axios from 'axios'
import {
  cookieSource,
  createTokenManager,
  tokenErrorOf,
  type EndReason,
  type SessionState,
  type TokenErrorCode,
} from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { drawLanes } from './lanes.ts'

interface Credentials {
  readonly email: string
  readonly password: string
}

// These lines are all that an application needs.
const tokens = createTokenManager({
  source: cookieSource<Credentials>({ login: '/auth/login', refresh: '/auth/refresh', logout: '/auth/logout' }),
  resources: [new URL('/api/', location.href).href],
})
const api = axios.create({ baseURL: '/api' })
bindAxios(api, tokens)

// From here on: the page.
const signIn = element('sign-in', HTMLFormElement)
const email = element('email', HTMLInputElement)
const password = element('password', HTMLInputElement)
const problem = element('problem', HTMLElement)
const status = element('status', HTMLElement)
const session = element('session', HTMLElement)
const life = element('life', HTMLProgressElement)
const left = element('left', HTMLOutputElement)
const answer = element('answer', HTMLElement)
const often = element('often', HTMLInputElement)
const events = element('events', HTMLOListElement)

tokens.subscribe(render)
tokens.on('signed-in', () => list('Signed in'))
tokens.on('signed-out', ({ reason, elsewhere }) => list(`Signed out (${reason}${elsewhere ? ', in another tab' : ''})`))
tokens.on('refreshed', ({ trigger, durationMs }) =>
  list(`Access token refreshed in ${Math.round(durationMs)} ms (${trigger})`),
)
tokens.on('refresh-failed', ({ code }) => list(`Refresh failed (${code})`))

drawLanes(element('tabs', HTMLUListElement), tokens)

signIn.addEventListener('submit', (event) => {
  event.preventDefault()
  void logIn()
})
element('call', HTMLButtonElement).addEventListener('click', () => void callApi())
element('log-out', HTMLButtonElement).addEventListener('click', () => void tokens.logout())

setInterval(renderLife, 250)
setInterval(() => {
  if (often.checked && tokens.getState().signedIn) void callApi()
}, 1_000)

async function logIn(): Promise<void> {
  problem.textContent = ''
  try {
    await tokens.login({ email: email.value, password: password.value })
    signIn.reset()
  } catch (error) {
    problem.textContent = explain(error)
  }
}

async function callApi(): Promise<void> {
  const asked = sessionOf(tokens.getState())
  let text: string
  try {
    const { data } = await api.get<unknown>('/orders')
    text = JSON.stringify(data, null, 2)
  } catch (error) {
    text = explain(error)
  }
  // An answer that comes after the log-out, or after another sign-in, is nobody's business.
  if (asked !== undefined && asked === sessionOf(tokens.getState())) answer.textContent = text
}

function render(state: SessionState): void {
  status.textContent = describe(state)
  if (session.hidden === state.signedIn) {
    answer.textContent = 'Nothing called yet.'
    often.checked = false
  }
  show(session, state.signedIn)
  show(signIn, state.status === 'signed-out')
  renderLife()
}

function show(part: HTMLElement, shown: boolean): void {
  // Keyboard and screen reader would be left nowhere: they go on at the line that says what happened.
  if (!shown && part.contains(document.activeElement)) status.focus()
  part.hidden = !shown
}

let full = { expiresAt: 0, lifeMs: 1 }
function renderLife(): void {
  const state = tokens.getState()
  if (!state.signedIn || state.expiresAt === undefined) return
  const leftMs = Math.max(0, state.expiresAt - Date.now())
  // A token that was not here before is a full one.
  if (state.expiresAt !== full.expiresAt) full = { expiresAt: state.expiresAt, lifeMs: Math.max(1, leftMs) }
  life.value = leftMs / full.lifeMs
  left.textContent = leftMs === 0 ? 'expired; the next call refreshes it' : `${Math.ceil(leftMs / 1_000)} s left`
}

const endings: Partial<Record<EndReason, string>> = {
  'never-started': 'You are not signed in.',
  logout: 'You have logged out.',
  rejected: 'The server ended your session. Please sign in again.',
  replaced: 'Somebody else signed in here.',
}

function describe(state: SessionState): string {
  switch (state.status) {
    case 'restoring':
      return 'Looking for your session…'
    case 'signed-out':
      if (state.reason === 'logout' && state.elsewhere) return 'You have logged out in another tab.'
      return endings[state.reason] ?? 'Your session is over. Please sign in again.'
    case 'stale':
      return 'The server cannot be reached right now. You are still signed in.'
    case 'active':
    case 'refreshing':
      return 'You are signed in.'
  }
}

const unreachable = 'The server cannot be reached. Please try again.'
const over = 'Your session is over.'
const explanations: Partial<Record<TokenErrorCode, string>> = {
  login_failed: 'Wrong email or password.',
  refresh_unavailable: unreachable,
  timeout: unreachable,
  signed_out: over,
  session_changed: over,
  refresh_rejected: over,
}

function explain(error: unknown): string {
  const code = tokenErrorOf(error)?.code
  return (code && explanations[code]) ?? 'That did not work. Please try again.'
}

function sessionOf(state: SessionState): string | undefined {
  return state.signedIn ? state.session : undefined
}

function list(text: string): void {
  const item = document.createElement('li')
  const time = document.createElement('time')
  time.textContent = new Date().toLocaleTimeString()
  item.append(time, text)
  events.prepend(item)
}

function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new TypeError(`index.html has no such element: #${id}`)
  return found
}

// Last, when everything above is there: finds the session that a reload left.
tokens.restore().catch((error: unknown) => {
  render(tokens.getState())
  problem.textContent = explain(error)
})
