import type { SessionState } from 'tokenward'

export interface Credentials {
  readonly email: string
  readonly password: string
}

/** What the page of a small example does. Each throws what goes wrong. */
export interface Deeds {
  signIn(credentials: Credentials): Promise<unknown>
  orders(): Promise<unknown>
  logOut(): Promise<unknown>
}

/** A form and two buttons: what the examples have in common, and what they are not about. */
export function wire({ signIn, orders, logOut }: Deeds): { show(state: SessionState): void } {
  const answer = find('answer')
  const attempt = async (deed: () => Promise<unknown>, said?: string): Promise<void> => {
    answer.textContent = '…'
    try {
      const result = await deed()
      answer.textContent = said ?? JSON.stringify(result)
    } catch (error) {
      answer.textContent = String(error)
    }
  }
  const form = find('sign-in') as HTMLFormElement
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const { email, password } = Object.fromEntries(new FormData(form)) as unknown as Credentials
    void attempt(() => signIn({ email, password }), 'Welcome.')
  })
  find('orders').addEventListener('click', () => void attempt(orders))
  find('log-out').addEventListener('click', () => void attempt(logOut, 'Bye.'))
  return {
    show(state) {
      find('status').textContent = state.signedIn ? 'signed in' : state.status
    },
  }
}

function find(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (!found) throw new TypeError(`index.html has no such element: #${id}`)
  return found
}
