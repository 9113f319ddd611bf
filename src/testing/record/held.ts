import { insides, type Inside } from '../../session/insides.ts'
import { heldIn } from '../../session/state.ts'
import { RecordingError } from '../errors.ts'

/** What is needed of a manager. */
export interface ManagerLike {
  subscribe(listener: () => void): () => void
}

/**
 * What only the test kit may look at.
 *
 * @param cure What to do where the manager is not one of ours.
 * @throws {@link RecordingError} `unknown_manager`.
 */
export function insideOf(manager: ManagerLike, cure: string): Inside {
  const inside = insides.get(manager)
  if (inside) return inside
  const message = `createTokenManager did not make this manager, so that its tokens cannot be known: ${cure}`
  throw new RecordingError('unknown_manager', message)
}

/** The tokens that a manager holds now. */
export function heldTokens(manager: ManagerLike): string[] {
  const { store } = insideOf(manager, 'pass them as knownTokens')
  const { accessToken, refreshToken } = heldIn(store.get())?.tokens ?? {}
  return [accessToken, refreshToken].filter((token) => token !== undefined)
}
