import { heldIn } from '../../session/state.ts'
import type { SourceContext, TokenSource } from '../../ports.ts'
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
  const { store, ports } = insideOf(manager, 'pass its source to watch()')
  const { fetch } = ports
  const recording = record(fetch)
  Object.assign(ports, { fetch: recording })

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
    if (ports.fetch === recording) Object.assign(ports, { fetch })
  }
}

/** A source that does what `source` does; what goes in and comes out is known. */
export function watchSource<Login>(source: TokenSource<Login>, { record, know }: Notes): TokenSource<Login> {
  const within = (context: SourceContext): SourceContext => ({ ...context, fetch: record(context.fetch) })

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

  const watched: TokenSource<Login> = {
    ...source,
    refresh: async (current, context) => {
      if (current.refreshToken !== undefined) know({ value: current.refreshToken, kind: 'refresh' })
      return came(await source.refresh(current, within(context)))
    },
  }
  if (source.login) {
    watched.login = async (input, context) => {
      for (const { name, value } of fieldsOf(input)) {
        const kind: SecretKind | undefined = name === 'code' ? 'code' : kindOfField(name)
        if (kind !== undefined && value !== null && value !== '') know({ value: String(value), kind })
      }
      return came(await source.login?.(input, within(context))) as Awaited<
        ReturnType<NonNullable<TokenSource<Login>['login']>>
      >
    }
  }
  if (source.restore) watched.restore = async (context) => came(await source.restore?.(within(context)))
  if (source.revoke) {
    watched.revoke = async (tokens, context) => (await source.revoke?.(tokens, within(context))) ?? 'unconfirmed'
  }
  return watched
}
