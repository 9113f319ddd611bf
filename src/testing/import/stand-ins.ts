import { webCrypto } from '../../adapters/web-crypto.ts'
import { toBase64url } from '../../lib/base64url.ts'
import type { SecretKind, TokenReference } from '../har/format.ts'
import { fillPlaceholders } from '../redact/placeholder.ts'
import type { Given } from '../redact/study.ts'

/**
 * Values for what a foreign recording has only the name of, a variable or a placeholder. They go through the redaction as
 * tokens do, which finds out from their use what they are, and whose, and puts placeholders of ours in their place.
 */
export interface StandIns {
  /** The value for `name`: always the same one. */
  for(name: string): string
  has(name: string): boolean
  /** `text` with them in the place of placeholders of ours. */
  inPlaceOfPlaceholders(text: string): string
  /** What their names say. */
  given(): Given[]
  /** The name of one that is still in `text`. */
  leftIn(text: string): string | undefined
}

const ID = /^([a-z]+)_(p\d+)_\d+(?:_(?:payload|signature))?$/
const KINDS: ReadonlySet<string> = new Set<SecretKind>([
  'access',
  'refresh',
  'id',
  'code',
  'verifier',
  'password',
  'assertion',
  'proof',
  'cookie',
  'csrf',
  'secret',
])

/** @param references What the placeholders of the recording mean, if it says so. */
export function createStandIns(references: readonly TokenReference[] = []): StandIns {
  const known = new Map(references.map((reference) => [reference.id, reference]))
  const values = new Map<string, string>()

  function valueFor(name: string): string {
    const before = values.get(name)
    if (before !== undefined) return before
    const unique = webCrypto().randomUUID()
    const reference = known.get(name)
    const value = reference?.format === 'jwt' ? jwtOf(reference, unique) : unique
    values.set(name, value)
    return value
  }

  return {
    for: valueFor,
    has: (name) => values.has(name),
    inPlaceOfPlaceholders: (text) => fillPlaceholders(text, valueFor),
    given: () =>
      [...values].flatMap(([name, value]) => {
        const [, kind = '', principal] = ID.exec(name) ?? []
        if (principal === undefined) return []
        const reference = known.get(name)
        // Where whoever wrote the placeholder had only the token to go by, the use of it tells more.
        const session = reference === undefined || reference.format === 'jwt' ? principal : undefined
        return [{ value, kind: (KINDS.has(kind) ? kind : 'secret') as SecretKind, session }]
      }),
    leftIn: (text) => [...values].find(([, value]) => text.includes(value))?.[0],
  }
}

/** A token without a signature that says what is known of the one that it stands for. */
function jwtOf({ alg = 'none', claims }: TokenReference, unique: string): string {
  const { ttl, ...rest } = claims
  const times = typeof ttl === 'number' ? { iat: 0, exp: ttl } : {}
  const parts = [{ alg }, { ...rest, ...times, jti: unique }].map((part) =>
    toBase64url(new TextEncoder().encode(JSON.stringify(part))),
  )
  return [...parts, unique].join('.')
}
