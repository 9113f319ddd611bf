import type { HarPair } from '../har/format.ts'
import { basicOf } from '../har/userinfo.ts'
import { type Body, limitOf, readBody } from './body.ts'
import { absolute, isHere, mimeTypeOf, type Take, type Tape } from './tape.ts'

/** What is needed of an axios instance. */
export interface AxiosLike {
  readonly defaults: { adapter?: unknown }
  readonly interceptors: { readonly request: Interceptors }
  getUri(config?: object): string
}

interface Interceptors {
  use(onFulfilled: <C extends object>(config: C) => C, onRejected?: null, options?: { synchronous?: boolean }): number
  eject(id: number): void
}

interface Config {
  readonly method?: string
  readonly baseURL?: string
  readonly params?: unknown
  readonly data?: unknown
  readonly headers?: unknown
  readonly withCredentials?: boolean
  readonly auth?: { readonly username?: string; readonly password?: string } | undefined
  adapter?: unknown
}

interface Reply {
  readonly status: number
  readonly statusText?: string
  readonly headers?: unknown
  readonly data?: unknown
}

type Adapter = (config: Config) => Promise<Reply>

export interface RecordAxiosOptions {
  readonly tape: Tape
  readonly maxBodyBytes: number
  includes(url: string): boolean
}

/**
 * Takes down what the adapters of `instance` send, after every interceptor and with the token on it.
 *
 * @returns What undoes it.
 */
export function recordAxios(instance: AxiosLike, options: RecordAxiosOptions): () => void {
  const { defaults, interceptors } = instance
  const original = defaults.adapter
  const recorded = new WeakSet<object>()
  /** What is on its way. */
  const taken = new WeakMap<object, Take>()
  const loading = loadAdapters()

  function wrap(adapter: unknown): Adapter {
    const wrapper: Adapter = async function recordingAdapter(config) {
      const { baseURL, params } = config
      const transport = typeof adapter === 'function' ? (adapter as Adapter) : (await loading)(adapter, config)
      const url = absolute(instance.getUri({ ...config, baseURL: baseURL ?? '', params: params ?? {} }))
      return record(transport, config, url)
    }
    recorded.add(wrapper)
    return wrapper
  }

  async function record(transport: Adapter, config: Config, url: string): Promise<Reply> {
    const { tape } = options
    const isIncluded = options.includes(url)
    const maxBodyBytes = limitOf(options, isIncluded)
    const headers = withAuth(pairsOf(config.headers), config.auth)
    const take = tape.begin({
      method: (config.method ?? 'get').toUpperCase(),
      url,
      headers,
      body: readBody(config.data, mimeTypeOf(headers) ?? '', maxBodyBytes),
      credentials: config.withCredentials === true || isHere(url),
      fromSource: false,
      isIncluded,
    })
    // An adapter further out has not seen what was added since.
    taken.get(config)?.discard()
    taken.set(config, take)
    const answered = ({ status, statusText = '', headers: received, data }: Reply): void => {
      const pairs = pairsOf(received)
      const body: Promise<Body> = readBody(data, mimeTypeOf(pairs) ?? '', maxBodyBytes)
      take.answered({ status, statusText, headers: pairs, body })
    }
    try {
      const response = await transport(config)
      answered(response)
      return response
    } catch (reason) {
      const { response } = (reason ?? {}) as { response?: Reply }
      if (response?.status) answered(response)
      else take.failed(reason)
      throw reason
    } finally {
      taken.delete(config)
    }
  }

  const wrapped = wrap(original)
  defaults.adapter = wrapped
  // A request may name an adapter of its own.
  const id = interceptors.request.use(
    (config) => {
      const chosen: Config = config
      if (!recorded.has(chosen.adapter as object)) chosen.adapter = wrap(chosen.adapter ?? original)
      return config
    },
    null,
    { synchronous: true },
  )
  return function detach() {
    interceptors.request.eject(id)
    // Somebody else may have put his own around it.
    if (defaults.adapter === wrapped) defaults.adapter = original
  }
}

type GetAdapter = (adapter: unknown, config: Config) => Adapter

/** Only axios itself knows what `'xhr'` means. Whoever has an instance has axios. */
async function loadAdapters(): Promise<GetAdapter> {
  const { getAdapter } = await import('axios')
  return getAdapter as unknown as GetAdapter
}

/** What the adapter makes of `auth`: that is not done yet. */
function withAuth(headers: readonly HarPair[], auth: Config['auth']): readonly HarPair[] {
  if (!auth) return headers
  const { username = '', password = '' } = auth
  const value = basicOf(username, password)
  return [...headers.filter(({ name }) => name.toLowerCase() !== 'authorization'), { name: 'Authorization', value }]
}

function pairsOf(headers: unknown): HarPair[] {
  if (typeof headers !== 'object' || headers === null) return []
  const { toJSON } = headers as { toJSON?(): object }
  const plain = toJSON ? toJSON.call(headers) : headers
  return Object.entries(plain).flatMap(([name, value]: [string, unknown]) =>
    [value]
      .flat()
      .filter((one) => one !== undefined && one !== null && one !== false)
      .map((one) => ({ name, value: String(one) })),
  )
}
