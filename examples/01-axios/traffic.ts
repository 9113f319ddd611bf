import axios, { type AxiosAdapter, type AxiosRequestConfig, type AxiosResponse } from 'axios'

/** One time that a request went over the wire. Times are those of `performance.now()`. */
export interface Send {
  readonly at: number
  /** Of the token that it carried: the same twelve characters as in the log of the servers. `undefined`: it had none. */
  readonly fingerprint: Promise<string> | undefined
  endedAt?: number
  /** `undefined`: no answer came. */
  status?: number
}

/** One call of the page to the API, with each time that it was sent; or one of the manager to the authorization server. */
export interface Call {
  readonly what: string
  readonly to: 'api' | 'auth'
  readonly at: number
  readonly sends: Send[]
  endedAt?: number
  /** Something else than the authorization server answered, in HTML. */
  html?: boolean
}

/** Nobody wants to watch a server for ten seconds, which is the default. */
export const REQUEST_TIMEOUT_MS = 2_000

/** Everything of the last minutes, the oldest first. */
export const calls: Call[] = []
const KEPT = 1_000

function begin(what: string, to: Call['to']): Call {
  const call: Call = { what, to, at: performance.now(), sends: [] }
  calls.push(call)
  if (calls.length > KEPT) calls.shift()
  return call
}

/**
 * Makes a call with what must be added to its config, so that each of its sends is seen.
 *
 * @param into Takes the call too.
 */
export async function watched<T>(
  what: string,
  make: (config: AxiosRequestConfig) => Promise<AxiosResponse<T>>,
  into: Call[],
): Promise<{ readonly data: T; readonly call: Call }> {
  const call = begin(what, 'api')
  into.push(call)
  try {
    const { data } = await make({ adapter: adapterFor(call) })
    return { data, call }
  } finally {
    call.endedAt = performance.now()
  }
}

/** What `bindAxios` wraps: called once for each send, with the header that the manager has set. */
function adapterFor(call: Call): AxiosAdapter {
  const transport = axios.getAdapter('xhr')
  return async (config) => {
    const header = config.headers.get('Authorization')
    const send: Send = {
      at: performance.now(),
      fingerprint: typeof header === 'string' ? fingerprint(header.replace(/^\w+ /, '')) : undefined,
    }
    call.sends.push(send)
    try {
      const response = await transport(config)
      send.status = response.status
      return response
    } catch (error) {
      if (axios.isAxiosError(error) && error.response) send.status = error.response.status
      throw error
    } finally {
      send.endedAt = performance.now()
    }
  }
}

/** The port of the manager through which it asks the authorization server. */
export const watchedFetch: typeof fetch = async (input, init) => {
  const { pathname } = new URL(input instanceof Request ? input.url : input, location.href)
  const call = begin(pathname.replace('/auth/', ''), 'auth')
  const send: Send = { at: call.at, fingerprint: undefined }
  call.sends.push(send)
  // A refresh is never broken off, since its cookie may still come: the manager only waits no longer.
  const over = (): void => void (send.endedAt = call.endedAt ??= performance.now())
  const givenUp = setTimeout(over, REQUEST_TIMEOUT_MS)
  try {
    const response = await fetch(input, init)
    send.status = response.status
    call.html = response.headers.get('Content-Type')?.includes('html') ?? false
    return response
  } finally {
    clearTimeout(givenUp)
    over()
  }
}

/** The last attempt to refresh. The manager may have given up on it while it still hangs. */
export function lastRefresh(): Call | undefined {
  return calls.findLast(({ to, what }) => to === 'auth' && what === 'refresh')
}

export function refreshesSince(at: number): number {
  return calls.filter((call) => call.to === 'auth' && call.what === 'refresh' && call.at >= at).length
}

async function fingerprint(secret: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret))
  const base64 = btoa(String.fromCharCode(...new Uint8Array(hash)))
  return base64.replaceAll('+', '-').replaceAll('/', '_').slice(0, 12)
}
