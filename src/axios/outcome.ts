import type { AxiosResponse } from 'axios'
import type { Answer } from '../flow/exchange.ts'
import type { Config } from './config.ts'

/** What became of one send. It never rejects, so that a refused token is seen whatever `validateStatus` says. */
export interface Outcome {
  readonly response?: AxiosResponse<unknown>
  readonly error?: unknown
}

/** Which answers mean that the token was refused, beside those that the standards name. */
export interface AxiosAnswer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: AxiosResponse['headers']
  /** Parsed, if it is JSON. */
  readonly data: unknown
}

/** `request` of Node's http and of fetch holds the credential in many places; code that asks only whether there is one goes on. */
export const STAND_IN: object = Object.freeze({})

/** The HTTP answer, if one came. */
export function responseOf({ response, error }: Outcome): AxiosResponse<unknown> | undefined {
  return response ?? (error as { response?: AxiosResponse<unknown> } | undefined)?.response
}

/** What came back, as far as the decision needs it. */
export function answerOf(outcome: Outcome, refused?: (answer: AxiosAnswer) => boolean): Answer | undefined {
  const response = responseOf(outcome)
  if (!response?.status) return undefined
  const { status } = response
  const headers = response.headers as object | undefined
  return {
    status,
    header(name) {
      // By hand: another copy of axios, or a mock, has headers of its own kind.
      const found = Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name)
      return found ? String(found[1]) : null
    },
    refused: isRefused(response, refused),
  }
}

function isRefused(
  { status, headers, data }: AxiosResponse<unknown>,
  refused?: (answer: AxiosAnswer) => boolean,
): boolean {
  try {
    return refused?.({ status, headers, data: parsed(data) }) ?? false
  } catch {
    return false
  }
}

// The transport hands over text: `transformResponse` runs after us, once.
function parsed(data: unknown): unknown {
  try {
    return typeof data === 'string' ? JSON.parse(data) : data
  } catch {
    return data
  }
}

/** Whatever may lead to the credential, in answers and errors of every transport. */
interface Holder {
  readonly config?: Partial<Config>
  readonly request?: unknown
  readonly data?: { readonly req?: NodeRequest } | null
}

/** A `ClientRequest` of Node, and what `follow-redirects` adds to it. */
type NodeRequest = Record<symbol, unknown> & {
  _header?: string
  readonly _redirectable?: { readonly _options: { readonly headers: unknown } }
}

/** Takes what may hold the credential, which travelled in the headers `names`, out of what the application will see. */
export function clean(found: unknown, config: Config, names: readonly string[], depth = 6): void {
  if (typeof found !== 'object' || !found || !depth) return
  const { config: held, data, request } = found as Holder
  if (held?.headers) Reflect.set(found, 'config', config)
  if (request && Object.prototype.toString.call(request) !== '[object XMLHttpRequest]') {
    Reflect.set(found, 'request', STAND_IN)
  }
  if (data?.req) cleanRequest(data.req, names)
  for (const key of ['response', 'error', 'cause']) clean(Reflect.get(found, key), config, names, depth - 1)
}

// Node's stream of an answer leads to the request. Its headers have been sent, so nothing needs them any more.
function cleanRequest(request: NodeRequest, names: readonly string[]): void {
  removeHeaders(request._redirectable?._options.headers, names)
  for (const key of Object.getOwnPropertySymbols(request)) removeHeaders(request[key], names)
  request._header = 'sent'
}

/** Removes the headers `names` from a plain record of headers, however they are written there. */
export function removeHeaders(headers: unknown, names: readonly string[]): void {
  for (const key of Object.keys(headers ?? {})) {
    if (names.some((name) => name.toLowerCase() === key.toLowerCase())) Reflect.deleteProperty(headers as object, key)
  }
}
