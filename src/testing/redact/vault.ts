import { decodeJwt } from '../../lib/jwt.ts'
import { ownMembers } from '../../lib/own.ts'
import type { SecretKind, TokenReference } from '../har/format.ts'
import type { Known } from './text.ts'

/** A secret that somebody knows beside what the exchanges show. */
export interface Given {
  readonly value: string
  readonly kind: SecretKind
  readonly session?: string | undefined
  readonly subject?: string | undefined
}

/** A secret that somebody has seen, and what is known of it. */
export interface Secret {
  readonly value: string
  kind: SecretKind
  principal: number
  issuedBy: number | null
  refreshedFrom: Secret | undefined
  tokenType: 'Bearer' | 'DPoP' | undefined
  scope: string | undefined
  ttlS: number | undefined
  /** An exchange shows it. */
  isShown: boolean
}

export type Facts = Partial<Omit<Secret, 'value'>> & Pick<Secret, 'kind'>

/** All the secrets of a recording. */
export interface Vault {
  /** Takes a secret in; what was known of it before stays, unless it was only known to be one. */
  add(value: string, facts: Facts): Secret
  get(value: string): Secret | undefined
  /** All of them, for a recording that goes on without what showed them. */
  secrets(): Given[]
  /** A new principal. */
  newPrincipal(): number
  /** Names all secrets, in the order in which they came. */
  known(): readonly Known[]
  /** Says of each that an exchange shows, or whose id is in `used`, what may be said. */
  references(claims: readonly string[], used: ReadonlySet<string>): readonly TokenReference[]
  /** The id of an encoded text with placeholders in it. */
  encoded(template: string, encoding: NonNullable<TokenReference['encoding']>): string
}

const TOKENS: readonly SecretKind[] = ['access', 'refresh', 'id']
/** A shorter part of a JWT says nothing. */
const PART_LENGTH = 16

export function createVault(): Vault {
  const secrets = new Map<string, Secret>()
  const templates = new Map<string, TokenReference>()
  /** How many there are of each principal. */
  const encodedBy = new Map<string, number>()
  let principals = 0

  function ids(): Map<Secret, string> {
    const counts = new Map<string, number>()
    return new Map(
      [...secrets.values()].map((secret) => {
        const name = `${secret.kind}_p${secret.principal}`
        const generation = (counts.get(name) ?? 0) + 1
        counts.set(name, generation)
        return [secret, `${name}_${generation}`]
      }),
    )
  }

  return {
    add(value, facts) {
      const before = secrets.get(value)
      if (before) {
        const { kind, isShown = true, ...rest } = facts
        if (before.kind === 'secret') before.kind = kind
        for (const [name, fact] of Object.entries(rest)) {
          if (before[name as keyof Secret] === undefined) Object.assign(before, { [name]: fact })
        }
        before.isShown ||= isShown
        if (before.issuedBy === null && before.kind === kind) before.issuedBy = facts.issuedBy ?? null
        return before
      }
      const { kind, principal = Math.max(1, principals), issuedBy = null } = facts
      const { refreshedFrom, tokenType, scope, ttlS, isShown = true } = facts
      const secret: Secret = { value, kind, principal, issuedBy, refreshedFrom, tokenType, scope, ttlS, isShown }
      principals = Math.max(principals, principal)
      secrets.set(value, secret)
      return secret
    },
    get: (value) => secrets.get(value),
    secrets: () =>
      Array.from(secrets.values(), ({ value, kind, principal }) => ({ value, kind, session: `before p${principal}` })),
    newPrincipal: () => ++principals,
    known: () => [...ids()].flatMap(([{ value, kind }, id]) => knownBy(value, { kind, id })),
    references(allowed, used) {
      const named = ids()
      const told = [...named].filter(([{ isShown }, id]) => isShown || used.has(id))
      const own = told.map(([secret, id]) => toReference(secret, { id, named, allowed }))
      return [...own, ...templates.values()]
    },
    encoded(template, encoding) {
      const key = `${encoding} ${template}`
      const before = templates.get(key)
      if (before) return before.id
      const principal = /_p(\d+)_/.exec(template)?.[1] ?? '1'
      const count = (encodedBy.get(principal) ?? 0) + 1
      encodedBy.set(principal, count)
      const id = `encoded_p${principal}_${count}`
      templates.set(key, {
        id,
        kind: 'encoded',
        principal: `p${principal}`,
        claims: {},
        issuedBy: null,
        refreshedFrom: null,
        template,
        encoding,
      })
      return id
    },
  }
}

/** A secret, and the parts of a JWT that are none the less one. */
export function knownBy(value: string, { kind, id }: { readonly kind: SecretKind; readonly id: string }): Known[] {
  const [, payload = '', signature = '', ...more] = TOKENS.includes(kind) ? value.split('.') : []
  const parts = [
    { value: payload, id: `${id}_payload` },
    { value: signature, id: `${id}_signature` },
  ]
  const isJwt = more.length === 0 && decodeJwt(value) !== undefined
  return [{ value, id }, ...parts.filter((part) => isJwt && part.value.length >= PART_LENGTH)]
}

function toReference(
  secret: Secret,
  { id, named, allowed }: { id: string; named: ReadonlyMap<Secret, string>; allowed: readonly string[] },
): TokenReference {
  const { value, kind, principal, issuedBy, refreshedFrom, tokenType, scope, ttlS } = secret
  const isToken = TOKENS.includes(kind)
  const payload = isToken ? decodeJwt(value) : undefined
  const all: Record<string, unknown> = ownMembers({ ...payload })
  const lifetimeS = Number(all['exp']) - Number(all['iat'])
  const ttl = ttlS ?? (Number.isFinite(lifetimeS) ? lifetimeS : undefined)
  all['scope'] ??= scope
  all['ttl'] = ttl
  const claims = Object.fromEntries(
    allowed.filter((name) => all[name] !== undefined).map((name) => [name, all[name]] as const),
  )
  const alg = payload && decodeJwt(`.${value.split('.')[0] ?? ''}.`)?.['alg']
  return {
    id,
    kind,
    principal: `p${principal}`,
    claims: isToken ? claims : {},
    issuedBy,
    refreshedFrom: (refreshedFrom && named.get(refreshedFrom)) ?? null,
    ...(kind === 'access' ? { tokenType: tokenType ?? 'Bearer' } : {}),
    ...(isToken ? { format: payload ? ('jwt' as const) : ('opaque' as const) } : {}),
    ...(typeof alg === 'string' ? { alg } : {}),
  }
}
