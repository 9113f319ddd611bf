import type { ExchangeKind } from '../har/format.ts'
import { credentialsOf } from './credentials.ts'
import { type Evidence, evidenceOfAnswer, evidenceOfRequest } from './evidence.ts'
import { dealingOf, type Dealing, type Observed } from './exchange.ts'
import { createPrincipals } from './principals.ts'
import { createVault, type Given, type Secret, type Vault } from './vault.ts'

export type { Given }

export interface StudyOptions {
  /** Fields, headers and cookies that hold secrets, beside those that everybody knows. */
  readonly fields: readonly string[]
  readonly given: readonly Given[]
}

export interface Studied {
  readonly vault: Vault
  /** What is known of each exchange. */
  readonly marks: readonly Mark[]
}

export interface Mark {
  readonly principal: number | undefined
  readonly exchange: ExchangeKind | undefined
}

/** How people say who they are when they sign in. */
const NAMES = /^(e?mail|user_?(name|id)?|login|account|identifier|phone)$/i

/** A flag or a count (`?pass=true`, `sid=12`): replaced wherever it stands, it would spoil every text. */
const NO_SECRET = /^(?:true|false|null|undefined|\d{1,3})$/

/** Finds every secret in the exchanges, whose it is, and where it came from. */
export function study(observed: readonly Observed[], { fields: named, given }: StudyOptions): Studied {
  const vault = createVault()
  const principals = createPrincipals(vault)
  const givenBy = new Map(given.map((one) => [one.value, one]))
  const carried = new Set(observed.flatMap(({ entry }) => credentialsOf(entry.request).map(({ value }) => value)))
  const isNamed = (name: string): boolean => named.some((one) => one.toLowerCase() === name.toLowerCase())
  const latest = new Map<string, Secret>()
  /** Who was the last to sign in. */
  let current: number | undefined

  const marks = observed.map((one, index) => {
    const dealing = dealingOf(one, (value) => carried.has(value) || givenBy.has(value))
    const principal = whoIs(one, dealing)
    if (dealing.exchange === 'login' || dealing.response) current = principal ?? current
    learnRequest(one, dealing, principal ?? current ?? 1)
    if (dealing.response) learnTokens(dealing, index, principal ?? 1)
    for (const found of evidenceOfAnswer(one.entry.response, dealing)) learn(found, principal ?? current ?? 1)
    return { principal, exchange: dealing.exchange }
  })

  // Of whom nothing is known, he is the last who is: those come after all others.
  const isOwned = ({ session, subject }: Given): boolean => session !== undefined || subject !== undefined
  for (const { value, kind, session, subject } of given.filter(isOwned)) {
    const principal = vault.get(value)?.principal ?? principals.meet({ session, subject })
    vault.add(value, { kind, principal, isShown: false })
  }
  for (const { value, kind } of given.filter((one) => !isOwned(one))) vault.add(value, { kind, isShown: false })
  return { vault, marks }

  function whoIs({ entry }: Observed, { response, fields, exchange }: Dealing): number | undefined {
    const credentials = credentialsOf(entry.request)
    const values = [...credentials, ...fields].map(({ value }) => String(value))
    const seen = values
      .map((value) => vault.get(value))
      .find((secret) => secret?.kind === 'access' || secret?.kind === 'refresh')
    const brought = [response?.access_token, response?.refresh_token, ...values].map((value) =>
      givenBy.get(value ?? ''),
    )
    const name = exchange === 'login' ? fields.find((field) => NAMES.test(field.name))?.value : undefined
    const carriedToken = credentials.find(({ kind }) => kind === 'access')?.value
    const identity = {
      principal: exchange === 'login' ? undefined : seen?.principal,
      tokens: [response?.id_token, response?.access_token, carriedToken],
      subject: brought.find((found) => found?.subject !== undefined)?.subject,
      session: brought.find((found) => found?.session !== undefined)?.session,
      name: typeof name === 'string' ? name : undefined,
    }
    const known = principals.find(identity)
    // A cookie says who asks for new tokens, and nobody sees it: it is whoever signed in last.
    if (known === undefined && exchange !== undefined && exchange !== 'login' && current !== undefined) {
      return principals.meet({ ...identity, principal: current })
    }
    return known !== undefined || response || exchange === 'login' || carriedToken !== undefined
      ? principals.meet(identity)
      : undefined
  }

  function learnRequest({ entry, fromSource }: Observed, dealing: Dealing, principal: number): void {
    const { request } = entry
    for (const { value, kind, tokenType } of credentialsOf(request)) vault.add(value, { kind, principal, tokenType })
    for (const one of evidenceOfRequest(request, dealing, fromSource)) learn(one, principal)
  }

  function learnTokens({ response, exchange }: Dealing, index: number, principal: number): void {
    const { access_token, refresh_token, id_token, token_type, scope, expires_in } = response ?? {}
    const ttlS = Number(expires_in)
    const tokenType = /^dpop$/i.test(String(token_type)) ? 'DPoP' : 'Bearer'
    const about = { tokenType, scope, ttlS: Number.isFinite(ttlS) ? ttlS : undefined } as const
    for (const [kind, value, facts] of [
      ['access', access_token, about],
      ['refresh', refresh_token, {}],
      ['id', id_token, {}],
    ] as const) {
      if (typeof value !== 'string' || value === '') continue
      const before = exchange === 'refresh' ? latest.get(`${kind} ${principal}`) : undefined
      const isSame = before?.value === value
      const secret = vault.add(value, {
        ...facts,
        kind,
        principal,
        issuedBy: index,
        refreshedFrom: isSame ? undefined : before,
      })
      latest.set(`${kind} ${principal}`, secret)
    }
  }

  function learn({ name, value, kind }: Evidence, principal: number): void {
    const text = String(value ?? '')
    const found = isNamed(name) ? (kind ?? 'secret') : NO_SECRET.test(text) ? undefined : kind
    if (found === undefined || typeof value === 'boolean' || text === '') return
    // Some put the scheme into a header of their own as well.
    const secret = found === 'access' ? text.replace(/^bearer\s+/i, '') : text
    // The name may promise more than there is.
    if (vault.get(secret)?.kind === undefined || isNamed(name)) vault.add(secret, { kind: found, principal })
  }
}
