import type { SecretKind, TokenReference } from '../har/format.ts'
import { PLACEHOLDER } from './fingerprint.ts'
import type { JwtParts } from './jwt-parts.ts'
import { digest } from '../servers/digest.ts'

/** Gives secrets names that keep their identity. */
export interface Placeholders {
  /** The id for `value`: always the same one. `undefined`: it is a placeholder already. */
  idOf(value: string, about: { readonly kind: SecretKind; readonly jwt: JwtParts | undefined }): string | undefined
  /** The id of a piece of an encoded text that holds placeholders when it is decoded. */
  encoded(template: string, encoding: NonNullable<TokenReference['encoding']>): string
  /** What each id stands for, in the order of their appearance. */
  references(): TokenReference[]
}

/** Claims that a recording may tell: they say what a token is for, and not whose it is. */
const CLAIMS = ['aud', 'scope', 'client_id'] as const

/**
 * Ordinals, not hashes: nothing in a placeholder derives from the secret. The subject of a JWT decides whose it is; a
 * token that says nothing belongs to the first principal, for want of knowledge.
 *
 * @param reserved Ids that stand in the input already, for something else.
 */
export function createPlaceholders(reserved: ReadonlySet<string> = new Set()): Placeholders {
  // Values are remembered by their hash: a log may have very many of them.
  const ids = new Map<string, string>()
  const principals = new Map<string, string>()
  const counts = new Map<string, number>()
  const references: TokenReference[] = []

  function principalOf(jwt: JwtParts | undefined): string {
    const subject = jwt?.claims?.['sub']
    if (typeof subject !== 'string') return 'p1'
    const known = principals.get(subject) ?? `p${String(principals.size + 1)}`
    principals.set(subject, known)
    return known
  }

  function nextId(kind: TokenReference['kind'], principal: string): string {
    for (;;) {
      const count = (counts.get(`${kind} ${principal}`) ?? 0) + 1
      counts.set(`${kind} ${principal}`, count)
      const id = `${kind}_${principal}_${String(count)}`
      if (!reserved.has(id)) return id
    }
  }

  function add(reference: TokenReference): void {
    if (references.length < MOST_REFERENCES) references.push(reference)
  }

  return {
    references: () => references,
    encoded(template, encoding) {
      const key = digest(`${encoding} ${template}`)
      const before = ids.get(key)
      if (before !== undefined) return before
      const principal = /_(p\d+)_/.exec(template)?.[1] ?? 'p1'
      const id = nextId('encoded', principal)
      ids.set(key, id)
      add({ id, kind: 'encoded', principal, claims: {}, issuedBy: null, refreshedFrom: null, template, encoding })
      return id
    },
    idOf(value, { kind, jwt }) {
      if (PLACEHOLDER.test(value)) return undefined
      const key = digest(value)
      const known = ids.get(key)
      if (known !== undefined) return known
      const principal = principalOf(jwt)
      const id = nextId(kind, principal)
      ids.set(key, id)
      add(referenceOf({ id, kind, principal, jwt }))
      return id
    },
  }
}

const MOST_REFERENCES = 100_000

interface About {
  readonly id: string
  readonly kind: SecretKind
  readonly principal: string
  readonly jwt: JwtParts | undefined
}

function referenceOf({ id, kind, principal, jwt }: About): TokenReference {
  const { exp, iat } = (jwt?.claims ?? {}) as { exp?: unknown; iat?: unknown }
  const ttl = typeof exp === 'number' && typeof iat === 'number' ? { ttl: exp - iat } : {}
  const told = CLAIMS.flatMap((name) => (jwt?.claims?.[name] === undefined ? [] : [[name, jwt.claims[name]] as const]))
  const alg = jwt?.header['alg']
  return {
    id,
    kind,
    principal,
    claims: { ...Object.fromEntries(told), ...ttl },
    issuedBy: null,
    refreshedFrom: null,
    ...(kind === 'access' || kind === 'refresh' || kind === 'id' ? { format: jwt ? 'jwt' : 'opaque' } : {}),
    ...(typeof alg === 'string' ? { alg } : {}),
  }
}
