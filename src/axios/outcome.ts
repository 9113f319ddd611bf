import { AxiosHeaders, type AxiosResponse } from 'axios'
import type { Answer } from '../flow/exchange.ts'
import type { Config } from './config.ts'

/** Which answers mean that the token was refused, beside those that the standards name. */
export interface AxiosAnswer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: AxiosResponse['headers']
  /** Parsed, if it is JSON. */
  readonly data: unknown
}

/** What came back, as far as the decision needs it. */
export function answerOf(
  response: AxiosResponse<unknown> | undefined,
  refused?: (answer: AxiosAnswer) => boolean,
): Answer | undefined {
  if (!response?.status) return undefined
  const { status, headers, data } = response
  return {
    status,
    header: (name) =>
      AxiosHeaders.from(headers as AxiosHeaders)
        .get(name)
        ?.toString() ?? null,
    refused: (refused && attempt(() => refused({ status, headers, data: parsed(data) }))) ?? false,
  }
}

// The transport hands over text: `transformResponse` runs after us, once.
function parsed(data: unknown): unknown {
  return typeof data === 'string' ? attempt(() => JSON.parse(data) as unknown, data) : data
}

function attempt<T>(work: () => T, otherwise?: T): T | undefined {
  try {
    return work()
  } catch {
    return otherwise
  }
}

/** Whatever may lead to the credential, in answers and errors of every transport. */
interface Holder {
  config?: unknown
  request?: Readonly<Record<symbol, unknown>>
  readonly response?: unknown
  readonly cause?: unknown
  readonly data?: { readonly req?: NodeRequest } | null
}

/** A `ClientRequest` of Node, and what `follow-redirects` adds to it. */
interface NodeRequest {
  _header: string
  readonly _redirectable?: NodeRequest
  removeHeader?(name: string): void
}

/** Takes what may hold the credential, which travelled in the headers `names`, out of what the application will see. */
export function clean(found: unknown, config: Config, names: readonly string[], depth = 6): void {
  if (typeof found !== 'object' || !found || !depth) return
  const holder = found as Holder
  const { config: sent, request, response, cause, data } = holder
  if (sent && sent !== config) put(holder, 'config', config)
  // Code that asks only whether there is one goes on. The platform's own XMLHttpRequest tells no headers.
  if (request && request[Symbol.toStringTag] !== 'XMLHttpRequest') put(holder, 'request', {})
  // Node's stream of an answer leads to the request. Its headers have been sent: nothing needs them any more.
  const source = data?.req
  if (source?.removeHeader) {
    source._header = ''
    for (const name of names) (source._redirectable ?? source).removeHeader?.(name)
    source._header = 'sent'
  }
  if (response) clean(response, config, names, depth - 1)
  if (cause) clean(cause, config, names, depth - 1)
}

/** An assignment, because `Reflect.set` costs as much as a tenth of all that is ours. What is frozen stays as it is. */
function put<K extends 'config' | 'request'>(holder: Holder, key: K, value: Holder[K]): void {
  try {
    holder[key] = value
  } catch {
    // nobody can
  }
}
