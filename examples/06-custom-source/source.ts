import { TokenError, type RefreshInput, type SourceContext, type TokenResponse, type TokenSource } from 'tokenward'

export interface Credentials {
  readonly email: string
  readonly password: string
}

/** What the server of this example answers: `{ "success": true, "data": { "accessToken": …, "expiresIn": … } }`. */
interface Envelope {
  readonly data: { readonly accessToken: string; readonly refreshToken: string; readonly expiresIn: number }
}

/** A server with ways of its own, in the words of the standards. Whatever else it throws counts as "no answer came". */
export function envelopeSource(origin: string): TokenSource<Credentials> {
  async function post(path: string, body: unknown, { fetch, signal }: SourceContext): Promise<Response> {
    const headers = { 'Content-Type': 'application/json' }
    return fetch(`${origin}${path}`, { method: 'POST', headers, body: JSON.stringify(body), signal, redirect: 'error' })
  }

  async function read(answer: Response): Promise<TokenResponse> {
    if (!answer.ok) throw new Error(`status ${answer.status}`)
    const { data } = (await answer.json()) as Envelope
    return {
      access_token: data.accessToken,
      token_type: 'Bearer',
      refresh_token: data.refreshToken,
      expires_in: data.expiresIn,
    }
  }

  return {
    id: origin,
    credential: 'token',
    async login(credentials, context) {
      const answer = await post('/json/login', credentials, context)
      if (answer.status === 401) throw new TokenError('login_failed', 'wrong email or password')
      return read(answer)
    },
    async refresh({ refreshToken }: RefreshInput, context) {
      const answer = await post('/json/refresh', { refresh_token: refreshToken }, context)
      // The one answer that ends the session. A 503 does not, and neither does a network that is gone.
      if (answer.status === 401) throw new TokenError('refresh_rejected', 'the session is over')
      return read(answer)
    },
    async revoke({ refreshToken }, context) {
      const answer = await post('/json/logout', { refresh_token: refreshToken }, context)
      return answer.ok ? 'confirmed' : 'unconfirmed'
    },
  }
}
