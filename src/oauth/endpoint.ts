import { ownMembers } from '../lib/own.ts'
import type { Binding, SourceContext } from '../ports.ts'
import { type ReadAnswer, readAnswer } from '../sources/answer.ts'

export interface PostOptions {
  readonly context: SourceContext
  readonly binding?: Binding | undefined
  /** The key that the call is about. `undefined`: none. */
  readonly key?: string | undefined
  /** Goes on when the page is left. */
  readonly keepalive?: boolean
}

/** What is sent: what is `undefined` is left out. */
export type Parameters = Readonly<Record<string, string | number | readonly string[] | undefined>>

/**
 * One call to an endpoint of the authorization server, as a request that CORS takes for a simple one; but for a DPoP proof. The
 * one reason to make it twice is that the server wanted a nonce, or a better clock, in the proof, and has not looked at the
 * rest (RFC 9449 section 8).
 */
export async function post(url: URL, parameters: Parameters, options: PostOptions): Promise<ReadAnswer> {
  const { context, binding, key, keepalive = false } = options
  const send = async (): Promise<ReadAnswer & { readonly isNew: boolean }> => {
    const { href } = url
    const proof = key === undefined ? undefined : await binding?.prove({ key, method: 'POST', url: href })
    const response = await context.fetch(
      href,
      ownMembers<RequestInit>({
        method: 'POST',
        headers: { Accept: 'application/json', ...(proof !== undefined && { DPoP: proof }) },
        body: toForm(parameters),
        credentials: 'omit',
        cache: 'no-store',
        redirect: 'error',
        keepalive,
        signal: context.signal,
      }),
    )
    const answer = await readAnswer(response, context.now)
    const isNew = proof !== undefined && (binding?.learn(proof, answer.header) ?? false)
    return { ...answer, isNew }
  }
  const first = await send()
  const again =
    first.error === 'use_dpop_nonce' ? first.isNew : first.error === 'invalid_dpop_proof' && key !== undefined
  if (!again) return first
  const second = await send()
  // Another nonce by now: with that the next call may be looked at.
  return second.error === 'use_dpop_nonce' && second.isNew ? { ...second, refused: false } : second
}

/** Fetches a document that is there for everybody. */
export async function getJson(url: string, { fetch, signal, now }: SourceContext): Promise<ReadAnswer> {
  const headers = { Accept: 'application/json' }
  return readAnswer(
    await fetch(url, ownMembers<RequestInit>({ headers, credentials: 'omit', redirect: 'error', signal })),
    now,
  )
}

/** @see [RFC 6749 appendix B](https://www.rfc-editor.org/rfc/rfc6749.html#appendix-B) */
export function toForm(parameters: Parameters): URLSearchParams {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (one !== undefined && one !== '') form.append(name, String(one))
  }
  return form
}
