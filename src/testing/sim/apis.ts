import type { Resource } from '../../options.ts'
import type { AuthModel } from './auth-model.ts'
import { json, type Reply } from './reply.ts'
import type { Verifier } from './proofs.ts'

/** An API that takes tokens of its own alone. */
export interface NarrowApi {
  readonly url: string
  readonly scope: string
  /** Each token is good for one request. */
  readonly once: boolean
}

/** An API with tokens of its own; one that takes each of them once. */
export type NarrowName = 'narrow' | 'once'

/** One of them shares its origin with the server of tokens, but not its nonces. */
export const NARROW: Readonly<Record<NarrowName, NarrowApi>> = {
  narrow: { url: 'https://app.example.com/reports/', scope: 'reports', once: false },
  once: { url: 'https://pay.example.com/', scope: 'pay', once: true },
}

/** As a manager is told of it. */
export function toResource({ url, scope, once }: NarrowApi): Resource {
  return { url, scope, ...(once && { reuse: 'once' }) }
}

export interface Arriving {
  readonly url: string
  readonly method: string
  readonly authorization: string | undefined
  readonly dpop: string | undefined
}

/** What APIs make of the requests that they get. */
export interface Apis {
  judge(request: Arriving): Reply
}

export function createApis(model: AuthModel, narrow: readonly NarrowApi[], verifier: Verifier | undefined): Apis {
  const spent = new Set<string>()

  /** What the token is refused for. */
  function isGood(token: string, { url, authorization }: Arriving, key: string | undefined): boolean {
    const access = model.access(token)
    const api = narrow.find((one) => url.startsWith(one.url))
    const isSpent = api?.once && spent.size === spent.add(token).size
    return !isSpent && access?.resource === api?.url && access?.key === key && model.judge(authorization) === 200
  }

  return {
    judge(request) {
      const { url, method, authorization, dpop } = request
      if (authorization === undefined) return json(200, {})
      const [scheme, token = ''] = authorization.split(' ')
      const isBound = model.access(token)?.key !== undefined
      const proof = isBound
        ? verifier?.check(new URL(url).origin, { method, url, dpop, accessToken: token })
        : undefined
      const headers = proof?.headers ?? {}
      const expected = isBound ? 'DPoP' : 'Bearer'
      const refuse = (error: string): Reply =>
        json(401, {}, { ...headers, 'www-authenticate': `${expected} error="${error}"` })
      if (proof?.error) return refuse(proof.error)
      return scheme === expected && isGood(token, request, proof?.key)
        ? json(200, {}, headers)
        : refuse('invalid_token')
    },
  }
}
