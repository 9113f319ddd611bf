import { heldIn } from '../../session/state.ts'
import type { RevokeInput, SourceContext, TokenSource } from '../../ports.ts'
import { decodeJwt } from '../../lib/jwt.ts'
import type { SecretKind } from '../har/format.ts'
import { fieldsOf } from '../har/fields.ts'
import { kindOfField } from '../redact/names.ts'
import type { Given } from '../redact/study.ts'
import { insideOf, type ManagerLike } from './held.ts'

/** Where the watchers put what they see. */
export interface Notes {
  /** Makes a `fetch` that takes down what a source asks and is answered. */
  readonly record: (transport: typeof fetch) => typeof fetch
  know(secret: Given): void
}

/**
 * Hears of every token that `manager` ever holds, also of one that came from another tab, and takes down the calls of its
 * source.
 *
 * @returns What undoes it.
 */
export function watchManager(manager: ManagerLike, { record, know }: Notes): () => void {
  const { store, ports, source } = insideOf(manager, 'pass its source to watch()')
  const { fetch } = ports
  const recording = record(fetch)
  Object.assign(ports, { fetch: recording })
  // What it is asked with and answers, however it asks. Its calls are taken down by the `fetch` that it is given.
  const release = replaceMethods(source, overhear(source, { record: (transport) => transport, know }))

  function look(): void {
    const held = heldIn(store.get())
    if (!held?.tokens) return
    const { accessToken, refreshToken, claims } = held.tokens
    const subject = claims?.['sub']
    const about = { session: held.session.id, ...(typeof subject === 'string' ? { subject } : {}) }
    know({ value: accessToken, kind: 'access', ...about })
    if (refreshToken !== undefined) know({ value: refreshToken, kind: 'refresh', ...about })
  }

  look()
  const unsubscribe = manager.subscribe(look)
  return function unwatch() {
    unsubscribe()
    release()
    if (ports.fetch === recording) Object.assign(ports, { fetch })
  }
}

/** @returns What puts back what was there, as far as nobody else has replaced it since. */
function replaceMethods<Target extends object>(target: Target, methods: Partial<Target>): () => void {
  const names = Object.keys(methods) as (keyof Target & string)[]
  const before = names.map((name) => Object.getOwnPropertyDescriptor(target, name))
  for (const name of names) Reflect.set(target, name, methods[name])
  return function putBack() {
    for (const [index, name] of names.entries()) {
      if (target[name] !== methods[name]) continue
      const was = before[index]
      if (was) Object.defineProperty(target, name, was)
      else Reflect.deleteProperty(target, name)
    }
  }
}

/** A source that does what `source` does; what goes in and comes out is known. */
export function watchSource<Login>(source: TokenSource<Login>, notes: Notes): TokenSource<Login> {
  // What is no method of its own is found where it was.
  return Object.assign(Object.create(source) as TokenSource<Login>, overhear(source, notes))
}

/** The methods of `source` that tokens go through. */
function overhear<Login>(source: TokenSource<Login>, { record, know }: Notes): Partial<TokenSource<Login>> {
  const within = (context: SourceContext): SourceContext => ({ ...context, fetch: record(context.fetch) })
  // As they are now: they may be replaced by what is made here.
  const { login, restore, refresh, revoke } = source
  return {
    refresh: async (current, context) => {
      if (current.refreshToken !== undefined) know({ value: current.refreshToken, kind: 'refresh' })
      return came(await refresh.call(source, current, within(context)))
    },
    ...(login && {
      login: async (input: Login, context: SourceContext) => {
        for (const { name, value } of fieldsOf(input)) {
          const kind: SecretKind | undefined = name === 'code' ? 'code' : kindOfField(name)
          if (kind !== undefined && value !== null && value !== '') know({ value: String(value), kind })
        }
        return came(await login.call(source, input, within(context)))
      },
    }),
    ...(restore && { restore: async (context: SourceContext) => came(await restore.call(source, within(context))) }),
    ...(revoke && {
      revoke: (tokens: RevokeInput, context: SourceContext) => revoke.call(source, tokens, within(context)),
    }),
  }

  function came<Response>(response: Response): Response {
    const { access_token, refresh_token, id_token } = (response ?? {}) as Record<string, unknown>
    const subject = decodeJwt(typeof id_token === 'string' ? id_token : '')?.['sub']
    for (const [kind, value] of [
      ['access', access_token],
      ['refresh', refresh_token],
      ['id', id_token],
    ] as const) {
      if (typeof value !== 'string' || value === '') continue
      know({ value, kind, ...(typeof subject === 'string' ? { subject } : {}) })
    }
    return response
  }
}
