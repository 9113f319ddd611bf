import { decodeJwt } from '../../lib/jwt.ts'
import type { Vault } from './vault.ts'

/** What may tell who somebody is. */
export interface Identity {
  readonly principal?: number | undefined
  /** A JWT, or several. */
  readonly tokens?: readonly (string | undefined)[]
  readonly subject?: string | undefined
  /** What was typed in as a name. */
  readonly name?: string | undefined
  /** The session of a manager. */
  readonly session?: string | undefined
}

/** Tells one principal from another: `p1`, `p2`, by their order. */
export interface Principals {
  /** Who it is; somebody new if nothing tells. All that was given tells from now on. */
  meet(identity: Identity): number
  /** Who it is. `undefined`: nothing tells. */
  find(identity: Identity): number | undefined
}

export function createPrincipals(vault: Pick<Vault, 'newPrincipal'>): Principals {
  const known = new Map<string, number>()

  function find(identity: Identity): number | undefined {
    return (
      identity.principal ??
      keysOf(identity)
        .map((key) => known.get(key))
        .find((found) => found !== undefined)
    )
  }

  return {
    find,
    meet(identity) {
      const principal = find(identity) ?? vault.newPrincipal()
      for (const key of keysOf(identity)) if (!known.has(key)) known.set(key, principal)
      return principal
    },
  }
}

function keysOf({ tokens = [], subject, name, session }: Identity): string[] {
  const subjects = [subject, ...tokens.map((token) => decodeJwt(token ?? '')?.['sub'])]
  return [
    ...subjects.filter((one) => typeof one === 'string').map((one) => `subject ${one}`),
    ...(name === undefined ? [] : [`name ${name}`]),
    ...(session === undefined ? [] : [`session ${session}`]),
  ]
}
