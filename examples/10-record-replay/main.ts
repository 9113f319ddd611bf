import axios from 'axios'
import { cookieSource, createTokenManager } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { createRecorder, harText } from 'tokenward/testing'

const tokens = createTokenManager({
  source: cookieSource({ login: '/auth/login', refresh: '/auth/refresh', logout: '/auth/logout' }),
  resources: [new URL('/api/', location.href).href],
})
const api = axios.create({ baseURL: '/api' })
bindAxios(api, tokens)

// All that recording takes. The manager knows its tokens; so the recorder knows what may not be in the recording.
const recorder = createRecorder({ manager: tokens })
recorder.attach(api)

const byId = (id: string): HTMLElement => document.getElementById(id)!

tokens.subscribe(({ status }) => void (byId('status').textContent = status))

async function afterwards(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {})
  await recorder.settled()
  const har = recorder.toHar()
  byId('recording').textContent = har.log.entries
    .map(({ request, response }) => `${request.method} ${new URL(request.url).pathname} ${response.status}`)
    .join('\n')
  const file = new Blob([...harText(har)], { type: 'application/json' })
  byId('save').setAttribute('href', URL.createObjectURL(file))
}

byId('sign-in').onclick = () => afterwards(tokens.login({ email: 'demo@example.com', password: 'demo' }))
byId('call').onclick = () => afterwards(Promise.all([api.get('/me'), api.get('/orders')]))
byId('log-out').onclick = () => afterwards(tokens.logout())
