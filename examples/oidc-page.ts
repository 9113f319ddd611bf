import { tokenErrorOf, type SessionState } from 'tokenward'

/** What the pages that sign in at a provider have in common, and are not about. */
export function show(state: SessionState): void {
  const name = state.signedIn ? state.claims?.['name'] : undefined
  find('status').textContent = state.signedIn
    ? `Signed in as ${typeof name === 'string' ? name : '…'}.`
    : 'Nobody is signed in.'
  find('signed-in').hidden = !state.signedIn
  find('signed-out').hidden = state.signedIn
}

/** Does it at a click, and says what goes wrong. */
export function on(id: string, deed: () => Promise<unknown>): void {
  find(id).addEventListener('click', () => {
    say('')
    deed().catch(explain)
  })
}

export function explain(error: unknown): void {
  say(`${tokenErrorOf(error)?.code ?? 'error'}: ${error instanceof Error ? error.message : String(error)}`)
}

export function say(text: string): void {
  find('answer').textContent = text
}

export function find(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (!found) throw new TypeError(`index.html has no such element: #${id}`)
  return found
}
