import { element, say } from './dom.ts'

/** By the names of situations.mjs: what happens behind the page, and what the session does about it. */
const situations = {
  none: ['Nothing goes wrong', ''],
  'refresh-503': [
    'Refresh answers 503',
    'The session stays. Calls go on while the token lasts; the refresh is tried again, ever more rarely.',
  ],
  'refresh-429': [
    'Refresh answers 429: come back in 5 s',
    'It says “Retry-After: 5”. The session stays, and for five seconds no tab asks again, whatever is clicked.',
  ],
  'refresh-html': [
    'Refresh meets a captive portal',
    'A page of HTML with status 200 is no token and no refusal: the session stays.',
  ],
  'refresh-silent': [
    'Refresh gets no answer',
    'After two seconds nobody waits any more. The session stays, and asks again later.',
  ],
  'refresh-lost': [
    'Refresh is done, its answer lost',
    'Once, and once more for each click here. The server has spent the refresh token, and nobody has the new one. It is presented again when the time for an answer is over; this server takes that for theft and ends the session.',
  ],
  offline: [
    'Offline: no connection works',
    'Neither server can be reached. Calls fail, nobody is signed out, and all goes on when the network is back.',
  ],
  'api-401': [
    'API answers 401, always',
    'One refresh, one more try, and the second 401 is handed over as it came. No loop, and no log-out.',
  ],
  'api-redirect': ['API redirects to another origin', 'The call may go there. The token does not.'],
} as const
type Situation = keyof typeof situations

const channel = new BroadcastChannel('tokenward-demo-situation')
const expected = element('expected', HTMLElement)

/** Where another origin is: it has no business with the token. */
export let elsewhere = ''

/** Shows the switches, in the position that the servers are in. */
export async function offerSituations(): Promise<void> {
  const list = element('situations', HTMLFieldSetElement)
  for (const [name, [title]] of Object.entries(situations)) {
    const label = document.createElement('label')
    const input = document.createElement('input')
    Object.assign(input, { type: 'radio', name: 'situation', value: name, checked: name === 'none' })
    label.append(input, title)
    list.append(label)
  }
  // A click, and no change: what happens once may be chosen once more.
  list.addEventListener('click', ({ target }) => {
    if (target instanceof HTMLInputElement) void change(target.value as Situation)
  })
  channel.onmessage = ({ data }: MessageEvent<Situation>) => show(data)
  for (const act of ['take-back', 'end-sessions']) {
    element(act, HTMLButtonElement).addEventListener('click', () => void post(act))
  }
  const state = (await (await fetch('/demo/state')).json()) as { situation: Situation; elsewhere: string }
  elsewhere = state.elsewhere
  show(state.situation)
}

async function change(name: Situation): Promise<void> {
  const wasOffline = document.documentElement.dataset['situation'] === 'offline'
  await post('situation', { name })
  channel.postMessage(name)
  show(name)
  // A browser whose network is back says so.
  if (wasOffline && name !== 'offline') dispatchEvent(new Event('online'))
}

function show(name: Situation): void {
  const input = document.querySelector<HTMLInputElement>(`#situations input[value=${name}]`)
  if (input) input.checked = true
  document.documentElement.dataset['situation'] = name
  say(expected, situations[name][1])
}

async function post(what: string, body: Readonly<Record<string, string>> = {}): Promise<void> {
  const headers = { 'X-Requested-With': 'demo' }
  await fetch(`/demo/${what}`, { method: 'POST', headers, body: JSON.stringify(body) })
}
