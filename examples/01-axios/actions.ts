import axios, { type AxiosRequestConfig, type AxiosResponse } from 'axios'
import { tokenErrorOf } from 'tokenward'
import { element, say } from './dom.ts'
import { leftOf } from './life.ts'
import { logSends } from './log.ts'
import { api, tokens } from './session.ts'
import { elsewhere } from './situations.ts'
import { refreshesSince, watched, type Call } from './traffic.ts'
import { count, explain } from './words.ts'

/** Much more than a system takes in before anybody reads it: else the bar would be full while the file is on its way. */
const UPLOAD_MIB = 16
const UPLOAD_BYTES = UPLOAD_MIB * 1_024 * 1_024
const LONG_MS = 1_500
const outcome = element('outcome', HTMLElement)
const answer = element('answer', HTMLPreElement)
const uploading = element('uploading', HTMLElement)
const uploaded = element('uploaded', HTMLProgressElement)

type Watch = <T>(
  what: string,
  make: (config: AxiosRequestConfig) => Promise<AxiosResponse<T>>,
) => Promise<{ readonly data: T; readonly call: Call }>

/** What came of something that the page did. */
interface Outcome {
  readonly text: string
  readonly data?: unknown
}

/** What can be clicked, by the id of its button. */
const actions: Readonly<Record<string, (watch: Watch) => Promise<Outcome>>> = {
  async call(watch) {
    const { data, call } = await watch('GET /orders', (config) => api.get<unknown>('/orders', config))
    return {
      text: arrival(data) ?? `Answered${call.sends.length > 1 ? ', at the second try with a new token' : ''}.`,
      data,
    }
  },

  async fifty(watch) {
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => watch('GET /orders', (config) => api.get<unknown>('/orders', config))),
    )
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [reasonOf(result.reason)] : []))
    const text = `${50 - failed.length} of 50 calls answered.`
    return { text: failed[0] === undefined ? text : `${text} ${failed[0]}` }
  },

  async upload(watch) {
    uploaded.value = 0
    uploading.hidden = false
    const file = new Blob([crypto.getRandomValues(new Uint8Array(65_536)), new Uint8Array(UPLOAD_BYTES - 65_536)])
    const onUploadProgress: AxiosRequestConfig['onUploadProgress'] = ({ progress }) => (uploaded.value = progress ?? 0)
    const sending = watch('POST /upload', (config) =>
      api.post<unknown>('/upload', file, { ...config, onUploadProgress }),
    )
    const { call } = await sending.finally(() => (uploading.hidden = true))
    const twice = call.sends.length > 1 ? ' The token was refused on arrival, so it was sent twice.' : ''
    return { text: `The file of ${UPLOAD_MIB} MiB has arrived.${twice}` }
  },

  async long(watch) {
    const hadMs = leftOf(tokens.getState())
    const startedAt = performance.now()
    await watch('GET /slow', (config) =>
      api.get<unknown>(`/slow?ms=${LONG_MS}`, { ...config, tokens: { minTtlMs: 10_000 } }),
    )
    const had = `The token had ${(hadMs / 1_000).toFixed(0)} s left`
    const what = refreshesSince(startedAt) > 0 ? `${had}: it was renewed first.` : `${had}: enough.`
    return { text: `Answered. The call wanted a token that lives for ten more seconds. ${what}` }
  },

  async elsewhere(watch) {
    const { data } = await watch('GET another origin', (config) => api.get<unknown>(`${elsewhere}/`, config))
    return { text: arrival(data) ?? 'Answered.', data }
  },
}

/** Another origin tells what it was given. */
function arrival(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('gotToken' in data)) return undefined
  return data.gotToken === true ? 'Another origin got the token!' : 'Another origin got the call, and no token.'
}

/** Makes the buttons work, and returns what runs one of them. */
export function offerActions(): (name: string) => Promise<void> {
  for (const name of Object.keys(actions)) {
    element(name, HTMLButtonElement).addEventListener('click', () => void run(name))
  }
  return run
}

async function run(name: string): Promise<void> {
  const asked = sessionNow()
  const startedAt = performance.now()
  const mine: Call[] = []
  let result: Outcome
  try {
    result = (await actions[name]?.((what, make) => watched(what, make, mine))) ?? { text: '' }
  } catch (error) {
    result = { text: reasonOf(error, mine[0]) }
  }
  void logSends(mine)
  // An answer that comes after the log-out, or after another sign-in, is nobody's business.
  if (asked === undefined || asked !== sessionNow()) return
  say(outcome, `${result.text} ${toll(mine, startedAt)}`)
  answer.hidden = result.data === undefined
  say(answer, result.data === undefined ? '' : JSON.stringify(result.data, null, 2))
}

/** What it took on the wire. */
function toll(mine: readonly Call[], startedAt: number): string {
  const sends = mine.reduce((sum, call) => sum + call.sends.length, 0)
  return `On the wire: ${count(sends, 'request')} and ${count(refreshesSince(startedAt), 'refresh', 'refreshes')}.`
}

function reasonOf(error: unknown, call?: Call): string {
  const status = axios.isAxiosError(error) ? error.response?.status : undefined
  return explain({ code: tokenErrorOf(error)?.code, status, sends: call?.sends.length ?? 0 })
}

export function forgetAnswers(): void {
  say(outcome, 'Nothing called yet.')
  say(answer, '')
  answer.hidden = true
  uploading.hidden = true
}

function sessionNow(): string | undefined {
  const state = tokens.getState()
  return state.signedIn ? state.session : undefined
}
