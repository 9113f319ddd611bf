import type { EntryOf } from './history.ts'
import type { CreateJudge } from './rule.ts'

/** 9: two sends at most. 10: destination. 12: well-formed header. 13: replay identity. 16: DPoP. 18: code once. */
export const judgeRequests: CreateJudge = (view, breach) => {
  const { resources } = view.setup
  const codes = new Set<string>()
  const proofs = new Set<string>()

  function retried(first: EntryOf<'sent'>, second: EntryOf<'sent'>, id: number): void {
    const call = view.calls.get(id)
    const nonce = first.dpop !== undefined
    if (first.url !== second.url || first.method !== second.method || first.rest !== second.rest)
      breach(13, `the second send of call ${String(id)} is not the first`)
    if (first.dpop === undefined && first.authorization === second.authorization)
      breach(13, `call ${String(id)} is sent again with the token that was refused`)
    if (call?.entry.repeatable === false) breach(13, `call ${String(id)} is sent twice, and its body was spent`)
    if (call?.entry.retry === false) breach(13, `call ${String(id)} is sent twice, and it was not to be`)
    if (call && call.sends.length >= (nonce ? 3 : 2))
      breach(9, `call ${String(id)} is sent ${String(call.sends.length + 1)} times`)
    if (call && call.replied?.status === undefined)
      breach(13, `call ${String(id)} is sent again, and nobody knows what became of it`)
  }

  function proven({ dpop = '', method, url }: EntryOf<'sent'>): void {
    if (proofs.has(dpop)) breach(16, `a proof is sent twice, to ${url}`)
    proofs.add(dpop)
    const { htm, htu, jti } = payloadOf(dpop)
    if (htm !== method || htu !== url.replace(/[?#].*/s, '') || typeof jti !== 'string')
      breach(16, `a proof is not about ${method} ${url}`)
    if (proofs.has(`jti ${String(jti)}`)) breach(16, `two proofs have one jti, to ${url}`)
    proofs.add(`jti ${String(jti)}`)
  }

  return {
    see(entry) {
      if (entry.what === 'asked' && entry.code !== undefined) {
        if (codes.has(entry.code)) breach(18, 'an authorization code is presented twice')
        codes.add(entry.code)
      }
      if (entry.what !== 'sent') return
      const { authorization, dpop, url, call: id, tab = '' } = entry
      const first = id === undefined ? undefined : view.calls.get(id)?.sends.at(-1)
      if (first && id !== undefined) retried(first, entry, id)
      if (dpop !== undefined) proven(entry)
      if (authorization === undefined) return
      if (!resources.some((resource) => isWithin(url, resource))) breach(10, `${tab} sends a token to ${url}`)
      if (!/^(Bearer|DPoP) [\x21-\x7e]+$/.test(authorization)) breach(12, `${tab} sends a header that is none`)
    },
  }
}

function isWithin(url: string, resource: string): boolean {
  const [one, other] = [new URL(url), new URL(resource)]
  return one.origin === other.origin && `${one.pathname}/`.startsWith(other.pathname.replace(/\/*$/, '/'))
}

function payloadOf(proof: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(atob((proof.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/'))) as Record<
      string,
      unknown
    >
  } catch {
    return {}
  }
}
