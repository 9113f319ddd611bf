import type { EntryOf } from './history.ts'
import type { CreateJudge } from './rule.ts'

/** What a proof says, as far as anybody can see. */
interface Proof {
  readonly htm?: unknown
  readonly htu?: unknown
  readonly ath?: unknown
  readonly jti?: unknown
  readonly nonce?: unknown
  /** The public key. */
  readonly key: string
}

interface Attempt {
  readonly dpop: string | undefined
  readonly method: string
  readonly url: string
}

/** 16: each proof of possession is for one attempt, with the key, the token and the nonce that belong to it. */
export const judgeProofs: CreateJudge = (view, breach) => {
  const seen = new Set<string>()
  /** By family, the key that its tokens are bound to; by access token, what a proof has to say of it. */
  const keys = new Map<string, string>()
  const hashes = new Map<string, string>()
  /** Of calls to the source, what they were asked with. */
  const asked = new Map<number, { readonly proof: Proof | undefined; readonly server: string }>()
  /** By tab and server, the nonces that it has given. */
  const nonces = new Map<string, Set<unknown>>()
  /** By tab and what is asked for, the nonce that was refused last. */
  const refused = new Map<string, unknown>()
  const proofOf = new Map<number, Proof | undefined>()

  /** Whatever it is about. */
  function read({ dpop, method, url }: Attempt, tab: string, server: string): Proof | undefined {
    if (dpop === undefined) return undefined
    const proof = parse(dpop)
    const { htm, htu, jti, nonce } = proof
    if (seen.has(dpop)) breach(16, `${tab} sends a proof twice, to ${url}`)
    else if (typeof jti !== 'string' || seen.has(`jti ${jti}`)) breach(16, `${tab}: two proofs have one jti, to ${url}`)
    seen.add(dpop).add(`jti ${String(jti)}`)
    if (htm !== method || htu !== url.replace(/[?#].*/s, ''))
      breach(16, `${tab}: a proof is not about ${method} ${url}`)
    if (nonce !== undefined && !nonces.get(`${tab} ${server}`)?.has(nonce))
      breach(16, `${tab} sends ${server} a nonce that it was not given there`)
    return proof
  }

  /** A server that has refused a nonce is not sent it again by the next attempt. */
  function retried(about: string, proof: Proof | undefined, url: string): void {
    if (proof && refused.has(about) && refused.get(about) === proof.nonce)
      breach(16, `${about} is tried again with the nonce that ${url} has refused`)
    refused.delete(about)
  }

  function learned(
    about: string,
    server: string,
    { tab = '', challenge, nonce }: EntryOf<'learned'> | EntryOf<'replied'>,
    proof: Proof | undefined,
  ): void {
    const key = `${tab} ${server}`
    if (nonce !== undefined) nonces.set(key, (nonces.get(key) ?? new Set<unknown>()).add(nonce))
    if (challenge === 'use_dpop_nonce' && nonce !== undefined) refused.set(about, proof?.nonce)
  }

  function ask({ tab = '', exchange, operation, presented, dpop, url = '' }: EntryOf<'asked'>): void {
    const server = `${originOf(url)} tokens`
    const proof = read({ dpop, method: 'POST', url }, tab, server)
    asked.set(exchange, { proof, server })
    const bound = keys.get(view.refresh.get(presented ?? '')?.family ?? '')
    if (proof?.ath !== undefined) breach(16, `${tab}: a proof for ${url} is about an access token`)
    if (operation !== 'login' && bound !== undefined && proof?.key !== bound)
      breach(16, `${tab} presents ${String(presented)} ${proof ? 'with a proof of another key' : 'without a proof'}`)
    if (operation !== 'login') retried(`${tab}: ${operation} with ${String(presented)}`, proof, url)
  }

  /** Nobody is sent, nor handed, a token that was to be bound to a key and is not. */
  function downgraded(token: unknown, what: string): void {
    if (view.access.get(String(token))?.isDowngrade) breach(16, `${what} ${String(token)}, which is bound to no key`)
  }

  function send({ tab = '', call, method, url, authorization, dpop }: EntryOf<'sent'>): void {
    const proof = read({ dpop, method, url }, tab, originOf(url))
    if (call !== undefined) {
      retried(`call ${String(call)}`, proof, url)
      proofOf.set(call, proof)
    }
    if (authorization === undefined) return
    const token = authorization.replace(/^\S+ /, '')
    downgraded(token, `${tab} sends`)
    const hash = hashes.get(token)
    const isBound = /^DPoP /i.test(authorization)
    if (isBound !== (hash !== undefined) || isBound !== (proof !== undefined))
      breach(16, `${tab} sends ${token} as ${authorization.replace(/ .*/, '')} ${proof ? 'with' : 'without'} a proof`)
    if (!proof) return
    if (proof.ath !== hash) breach(16, `${tab}: the proof that goes with ${token} is not about it`)
    if (proof.key !== keys.get(view.access.get(token)?.family ?? ''))
      breach(16, `${tab}: the proof that goes with ${token} is of another key`)
  }

  return {
    see(entry) {
      switch (entry.what) {
        case 'asked': {
          ask(entry)
          return
        }
        case 'sent': {
          send(entry)
          return
        }
        case 'posted': {
          const { tokens } = Object(entry.message) as { tokens?: { accessToken?: unknown } }
          downgraded(tokens?.accessToken, `${entry.tab ?? ''} hands over`)
          return
        }
        case 'decided': {
          const { exchange, family, access, ath } = entry
          if (access === undefined || family === undefined || ath === undefined) return
          hashes.set(access, ath)
          const proof = asked.get(exchange)?.proof
          if (proof && !keys.has(family)) keys.set(family, proof.key)
          return
        }
        case 'learned': {
          const { proof, server = '' } = asked.get(entry.exchange) ?? {}
          const one = view.exchanges.get(entry.exchange)
          if (one) learned(`${one.tab}: ${one.operation} with ${String(one.presented)}`, server, entry, proof)
          return
        }
        case 'replied': {
          const { call, url = '' } = entry
          if (call !== undefined) learned(`call ${String(call)}`, originOf(url), entry, proofOf.get(call))
          return
        }
        default:
          return
      }
    },
  }
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : ''
}

function parse(text: string): Proof {
  try {
    const [head, body] = text
      .split('.', 2)
      .map((part) => JSON.parse(atob(part.replace(/-/g, '+').replace(/_/g, '/'))) as object)
    return { ...body, key: JSON.stringify((head as { jwk?: unknown }).jwk) }
  } catch {
    return { key: '' }
  }
}
