import type { EntryOf } from './history.ts'
import type { CreateJudge } from './rule.ts'

/** 9: two sends at most. 10: destination. 12: well-formed header. 13: replay identity. 18: code once. */
export const judgeRequests: CreateJudge = (view, breach) => {
  const { resources, narrow = [] } = view.setup
  const codes = new Set<string>()
  /** Tokens that are good for one request, and were sent. */
  const spent = new Set<string>()

  function retried(first: EntryOf<'sent'>, second: EntryOf<'sent'>, id: number): void {
    const call = view.calls.get(id)
    const isProofRefused = call?.replied?.challenge !== undefined
    if (first.url !== second.url || first.method !== second.method || first.rest !== second.rest)
      breach(13, `the second send of call ${String(id)} is not the first`)
    if (!isProofRefused && first.authorization === second.authorization)
      breach(13, `call ${String(id)} is sent again with the token that was refused`)
    if (call?.entry.repeatable === false) breach(13, `call ${String(id)} is sent twice, and its body was spent`)
    if (call?.entry.retry === false) breach(13, `call ${String(id)} is sent twice, and it was not to be`)
    if (call && isProofRefused && call.challenged > 1) breach(16, `call ${String(id)} is tried with a third proof`)
    if (call && call.sends.length >= 2 + Math.min(call.challenged, 1))
      breach(9, `call ${String(id)} is sent ${String(call.sends.length + 1)} times`)
    if (call && call.replied?.status === undefined)
      breach(13, `call ${String(id)} is sent again, and nobody knows what became of it`)
  }

  /** An API that has tokens of its own gets no other, and nobody else gets those. */
  function directed(url: string, token: string, tab: string): void {
    const api = narrow.find((one) => isWithin(url, one.url))
    const issued = view.access.get(token)
    if (issued && issued.resource !== api?.url) breach(10, `${tab} sends ${token}, which is not for ${url}`)
    if (api?.once && spent.has(token)) breach(10, `${tab} sends ${token} again, which is good for one request`)
    spent.add(token)
  }

  return {
    see(entry) {
      if (entry.what === 'asked' && entry.code !== undefined) {
        if (codes.has(entry.code)) breach(18, 'an authorization code is presented twice')
        codes.add(entry.code)
      }
      if (entry.what !== 'sent') return
      const { authorization, url, call: id, tab = '' } = entry
      const first = id === undefined ? undefined : view.calls.get(id)?.sends.at(-1)
      if (first && id !== undefined) retried(first, entry, id)
      if (authorization === undefined) return
      if (!resources.some((resource) => isWithin(url, resource))) breach(10, `${tab} sends a token to ${url}`)
      if (!/^(Bearer|DPoP) [\x21-\x7e]+$/.test(authorization)) breach(12, `${tab} sends a header that is none`)
      directed(url, authorization.replace(/^\S+ /, ''), tab)
    },
  }
}

function isWithin(url: string, resource: string): boolean {
  const [one, other] = [new URL(url), new URL(resource)]
  return one.origin === other.origin && `${one.pathname}/`.startsWith(other.pathname.replace(/\/*$/, '/'))
}
