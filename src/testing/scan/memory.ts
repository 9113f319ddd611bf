import { fingerprintOf, PLACEHOLDER } from './fingerprint.ts'
import type { SeenToken } from './history.ts'
import { readJwt, type JwtParts } from './jwt-parts.ts'
import { looksRandom } from './looks.ts'
import { detached } from './triggers.ts'
import type { SecretKind } from '../har/format.ts'

/** What was found out of values that were seen lately. Logs say the same thing again and again. */
export interface Memory {
  /** What a JWT says of itself. `undefined`: it is none. */
  jwt(value: string): JwtParts | undefined
  looksRandom(value: string): boolean
  /** Names a token by its fingerprint, or its placeholder. */
  identify(value: string, kind: SecretKind): SeenToken
}

/** Of each kind of question, so many answers are remembered. */
const MOST = 4_096

/** Holds tokens for as long as a scan takes; it never leaves it. */
export function createMemory(): Memory {
  const memory: Memory = {
    jwt: remembered(readJwt),
    looksRandom: remembered(looksRandom),
    identify: (value, kind) => identities(value, kind),
  }
  const identities = remembered((value: string, kind: SecretKind = 'access'): SeenToken => {
    const placeholder = PLACEHOLDER.exec(value)?.[1]
    return {
      id: placeholder ?? fingerprintOf(value, kind),
      kind,
      jwt: value.startsWith('eyJ') ? memory.jwt(value) : undefined,
      principal: placeholder === undefined ? undefined : /_(p\d+)_/.exec(placeholder)?.[1],
    }
  })
  return memory
}

function remembered<More extends unknown[], Answer>(
  ask: (value: string, ...more: More) => Answer,
): (value: string, ...more: More) => Answer {
  const answers = new Map<string, Answer>()
  return (value, ...more) => {
    const known = answers.get(value)
    if (known !== undefined || answers.has(value)) return known as Answer
    const answer = ask(value, ...more)
    if (answers.size >= MOST) answers.clear()
    answers.set(detached(value), answer)
    return answer
  }
}
