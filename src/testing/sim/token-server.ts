import type { TokenResponse } from '../../token.ts'
import type { Access, AuthModel } from './auth-model.ts'
import type { Operation, WireEntry } from './checker/history.ts'
import { hashOf } from './crypto.ts'
import { type Fate, isHeard } from './fates.ts'
import type { Verifier } from './proofs.ts'
import { html, json, type Reply } from './reply.ts'

/** One call to the server of tokens. */
export interface Exchange {
  readonly id: number
  readonly operation: Operation
  readonly url: string
  readonly presented: string | undefined
  /** The proof that goes with it. */
  readonly dpop: string | undefined
  readonly since: number
  fate: Fate
}

export interface TokenServerOptions {
  readonly model: AuthModel
  readonly byCookie: boolean
  readonly lifetimeMs: number
  readonly verifier: Verifier | undefined
  retryAfterS(): number | undefined
  decided(exchange: number, entry: Omit<Extract<WireEntry, { what: 'decided' }>, 'what' | 'exchange'>): void
}

/** The server of tokens as it is asked over the wire. */
export interface TokenServer {
  /** What it does with a call, and what it says. */
  decide(exchange: Exchange, body: Readonly<Record<string, unknown>>): Reply
  /** A sign-in that does not come through the source. */
  grant(exchange: number, owner: string): { readonly access: Access; readonly response: TokenResponse }
}

export function createTokenServer(options: TokenServerOptions): TokenServer {
  const { model, byCookie, lifetimeMs, verifier, retryAfterS, decided } = options

  function issued(exchange: number, access: Access): TokenResponse {
    const { family, value, credential: refresh, expiresAt, resource, scope, key } = access
    const { name, owner } = family
    const more = { ...(resource !== undefined && { resource }), ...(key !== undefined && { ath: hashOf(value) }) }
    decided(exchange, { verdict: 'issued', family: name, owner, access: value, refresh, expiresAt, ...more })
    return {
      access_token: value,
      token_type: key === undefined ? 'Bearer' : 'DPoP',
      expires_in: lifetimeMs / 1_000,
      ...(scope !== undefined && { scope }),
      ...(!byCookie && refresh !== undefined && { refresh_token: refresh }),
    }
  }

  function tokensFor(
    { operation, presented, fate }: Exchange,
    body: Readonly<Record<string, unknown>>,
    key: string | undefined,
  ): Access | undefined {
    if (fate === 'refused') {
      model.end(presented)
      return undefined
    }
    const bearer = fate === 'bearer'
    if (operation === 'login') {
      if (byCookie) model.revoke(presented)
      return model.signIn(String(body['user']), 'login', { key, bearer })
    }
    // A refresh token is of use to nobody who has not its key.
    if (model.familyOf(presented)?.key !== key) return undefined
    const [resource, scope] = [body['resource'], body['scope']] as (string | undefined)[]
    return model.refresh(presented, operation, { resource, scope, bearer })
  }

  return {
    decide(exchange, body) {
      const { id, operation, url, presented, dpop, fate } = exchange
      if (!isHeard(fate)) {
        decided(id, { verdict: 'turned-away' })
        if (fate === 'portal') return html(200)
        const wait = fate === '429' || fate === '503' ? retryAfterS() : undefined
        return json(Number(fate), { error: 'later' }, wait === undefined ? {} : { 'retry-after': String(wait) })
      }
      const proof = verifier?.check(new URL('/tokens', url).href, { method: 'POST', url, dpop })
      if (proof?.error) {
        decided(id, { verdict: 'turned-away' })
        return json(400, { error: proof.error }, proof.headers)
      }
      if (operation === 'logout') {
        model.revoke(presented)
        decided(id, { verdict: 'revoked' })
        return json(200, {}, proof?.headers)
      }
      const access = tokensFor(exchange, body, proof?.key)
      if (!access) {
        decided(id, { verdict: 'refused' })
        return operation === 'login'
          ? json(403, { error: 'access_denied' }, proof?.headers)
          : json(400, { error: 'invalid_grant' }, proof?.headers)
      }
      const claims = btoa(JSON.stringify({ sub: access.family.owner }))
      return json(200, { ...issued(id, access), id_token: `e30.${claims}.` }, proof?.headers)
    },
    grant(exchange, owner) {
      const access = model.signIn(owner, 'granted')
      return { access, response: issued(exchange, access) }
    },
  }
}
