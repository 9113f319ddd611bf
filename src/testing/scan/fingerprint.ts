import type { SecretKind } from '../har/format.ts'
import { fingerprint } from '../servers/digest.ts'

/** Placeholders of recordings, as they stand and percent-encoded: `{{access_p1_1}}`. */
export const PLACEHOLDER: RegExp =
  /(?:\{\{|%(?:25)*7B%(?:25)*7B)([a-z]+_p\d+_\d+(?:_(?:payload|signature))?)(?:\}\}|%(?:25)*7D%(?:25)*7D)/i

/**
 * A name for a secret by which it can be recognised, and from which it cannot be got: the first 72 bits of its SHA-256, as
 * `fingerprint` names it in the logs of the servers.
 *
 * Two reports that show the same fingerprint show the same token, so a report can be compared with the one of yesterday,
 * and a server can look for the token among those that it issued. A key for each run would prevent that. It is safe for
 * tokens, which have at least 128 bits of entropy (RFC 6749 section 10.10): nobody can try them all. For what a person
 * chose it would not be: a hash confirms a guess. So passwords, and whatever is too short to be random,
 * are named by their kind only.
 */
export function fingerprintOf(value: string, kind: SecretKind): string {
  return kind === 'password' || value.length < SHORTEST ? kind : fingerprint(value)
}

/** Fewer letters of base64url have less than 96 bits. */
const SHORTEST = 16
