import { getAdapter, type AxiosAdapter, type AxiosError, type AxiosInstance, type AxiosResponse } from 'axios'
import { warn } from '../adapters/warn.ts'
import type { TokenSender } from '../flow/exchange.ts'
import { checkBound } from '../lib/bind.ts'
import { hasAuthorization, own, type Config } from './config.ts'
import type { AxiosAnswer } from './outcome.ts'
import { createSend } from './send.ts'

export type { RequestTokens } from './config.ts'
export type { AxiosAnswer } from './outcome.ts'
export type { Answer, Exchange, SendTarget, TokenRequest, TokenSender } from '../flow/exchange.ts'

export interface BindAxiosOptions {
  /**
   * Says that an answer means a refused token, beside those that the standards name. What it throws counts as `false`.
   *
   * @example
   *   bindAxios(api, tokens, { refused: ({ status }) => status === 419 })
   */
  refused?(answer: AxiosAnswer): boolean
}

/** Whose wrapper an adapter is, so that a second bind of the same manager changes nothing. */
const OWNER = Symbol('owner')
type Wrapper = AxiosAdapter & { [OWNER]?: TokenSender }

/** The adapters of requests that came by here: functions, and the names of axios' own. */
const functions = new WeakSet<object>()
const names = new Set<string>()

/**
 * Sends every request of `instance` with a token, refreshes the token when it is refused, and sends the request once
 * more: the same bytes, without running interceptors and transforms again. Bind first, add other interceptors later.
 *
 * Every failure of ours is an `AxiosError` with the code `ERR_TOKEN`; `tokenErrorOf(error)` tells more.
 *
 * @example
 *   const api = axios.create({ baseURL: 'https://api.example.com' })
 *   const unbind = bindAxios(api, tokens)
 *   await api.get('/orders')
 *   await api.get('/news', { tokens: false })
 *
 * @returns What undoes it. Requests under way go on.
 * @throws `TypeError` when `tokens` is no token manager, or `refused` no function.
 */
export function bindAxios(instance: AxiosInstance, tokens: TokenSender, options: BindAxiosOptions = {}): () => void {
  checkBound('bindAxios', tokens, options.refused)
  const { request, response } = instance.interceptors
  const send = createSend(tokens, options.refused)
  // One for each adapter, not for each request.
  const ofFunctions = new WeakMap<AxiosAdapter, Wrapper>()
  const ofNames = new Map<string, Wrapper>()
  let warned = false

  function wrap(config: Config): Config {
    const { adapter } = config
    if ((adapter as Wrapper | undefined)?.[OWNER] === tokens) return config
    if (typeof adapter === 'function') config.adapter = ofFunction(adapter)
    // Two functions may look alike.
    else if (Array.isArray(adapter) && adapter.some((one) => typeof one === 'function')) {
      names.add(String(adapter))
      config.adapter = createWrapper(adapter)
    } else config.adapter = ofName(String(adapter), adapter)
    return config
  }

  function ofFunction(adapter: AxiosAdapter): Wrapper {
    const known = ofFunctions.get(adapter)
    if (known) return known
    const wrapper = createWrapper(adapter)
    functions.add(adapter)
    ofFunctions.set(adapter, wrapper)
    return wrapper
  }

  function ofName(name: string, adapter: Config['adapter']): Wrapper {
    const known = ofNames.get(name)
    if (known) return known
    const wrapper = createWrapper(adapter)
    names.add(name)
    ofNames.set(name, wrapper)
    return wrapper
  }

  function createWrapper(adapter: Config['adapter']): Wrapper {
    const wrapper: Wrapper = function adapterWithTokens(wire) {
      // At once: a retry library sends this very config again, and would wrap the wrapper.
      wire.adapter = adapter as AxiosAdapter
      const transport = typeof adapter === 'function' ? adapter : getAdapter(adapter ?? instance.defaults.adapter, wire)
      const isBare = own(wire, 'tokens') === false || wire.auth || hasAuthorization(wire)
      return isBare ? transport(wire) : send(wire, transport)
    }
    wrapper[OWNER] = tokens
    return wrapper
  }

  // An interceptor that runs after ours can set an adapter of its own: then nothing of ours runs, and nothing fails. Only
  // one that was there before can, unless axios is told to turn that round: where nobody can, nobody looks.
  function check<T>(answer: T): T {
    const { config, headers } = (answer ?? {}) as Partial<AxiosResponse>
    const { adapter } = config ?? {}
    if (!warned && headers && !(typeof adapter === 'function' ? functions.has(adapter) : names.has(String(adapter)))) {
      warned = true
      warn('an interceptor replaced config.adapter: call bindAxios before you add it')
    }
    return answer
  }

  const mayReplace =
    request.handlers?.length !== 0 || instance.defaults.transitional?.legacyInterceptorReqResOrdering === false
  const onRequest = request.use(wrap, undefined, { synchronous: true })
  const onResponse = mayReplace
    ? response.use(check, (error: unknown) => {
        check((error as Partial<AxiosError> | undefined)?.response)
        return Promise.reject(error)
      })
    : -1

  return function unbind() {
    request.eject(onRequest)
    response.eject(onResponse)
  }
}
