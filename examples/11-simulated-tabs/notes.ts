import type { TokenManager } from 'tokenward'

/** What an application keeps of the user who is signed in. */
export interface Notes {
  add(text: string): void
  all(): readonly string[]
}

/** Notes belong to a session: they are gone when it is, whichever tab has ended it. */
export function createNotes(tokens: Pick<TokenManager, 'getState' | 'on'>): Notes {
  let session: string | undefined
  let notes: readonly string[] = []
  const current = (): string | undefined => {
    const state = tokens.getState()
    return state.signedIn ? state.session : undefined
  }
  const forget = (): void => {
    session = current()
    notes = []
  }
  tokens.on('signed-out', forget)
  tokens.on('signed-in', forget)

  return {
    add(text) {
      if (session !== undefined) notes = [...notes, text]
    },
    all: () => notes,
  }
}
