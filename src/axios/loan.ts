import { anySignal, type AnySignal } from '../adapters/any-signal.ts'
import type { Config } from './config.ts'

/**
 * What an attempt needs is lent to the config itself, because a copy of it is a quarter of the cost of a request. This is
 * what was lent, and what was there before.
 */
export interface Loan {
  readonly names: readonly string[]
  readonly heard: AnySignal
  readonly signal: Config['signal']
  readonly beforeRedirect: Config['beforeRedirect']
  readonly timeout: number | undefined
}

/** @param leftMs Of its timeout, if it has one. */
export function lend(
  config: Config,
  url: string,
  credentials: Readonly<Record<string, string>>,
  session: AbortSignal | undefined,
  leftMs: number | undefined,
): Loan {
  const { headers, signal, beforeRedirect, timeout } = config
  const names = Object.keys(credentials)
  const heard = anySignal(signal as AbortSignal | undefined, session)
  Object.assign(headers, credentials)
  // XHR and fetch do so by themselves; Node's adapter keeps the header for a subdomain.
  config.beforeRedirect = (...details) => {
    const { href, headers: next } = details[0] as { href: string; headers: object }
    for (const name of names) if (new URL(href).origin !== new URL(url).origin) Reflect.deleteProperty(next, name)
    beforeRedirect?.(...details)
  }
  config.signal = heard.signal as AbortSignal
  if (leftMs !== undefined) config.timeout = Math.max(1, Math.ceil(leftMs))
  return { names, heard, signal, beforeRedirect, timeout }
}

/** Takes the credentials back: they are for the wire only. */
export function takeBackHeaders({ headers }: Config, { names }: Loan): void {
  // As an operator: what was added last is taken away without a trace, and the object stays a fast one.
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
  for (const name of names) delete headers[name]
}

/** Takes back what a transport may look at until the body has ended. */
export function takeBackRest(config: Config, { heard, signal, beforeRedirect, timeout }: Loan): void {
  heard.release()
  restore(config, 'signal', signal)
  restore(config, 'beforeRedirect', beforeRedirect)
  if (timeout) config.timeout = timeout
}

/** What was absent before a send is absent after it. Last added, first taken away, as an operator: see above. */
function restore<K extends keyof Config>(config: Config, key: K, value: Config[K]): void {
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
  if (value === undefined) delete config[key]
  else config[key] = value
}
