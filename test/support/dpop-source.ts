import { type Binding, type SourceContext, TokenError, type TokenResponse, type TokenSource } from 'tokenward'

/** A source for `dpop-server.ts`: as small as a source with keys can be. */
export function dpopSource(origin: string, binding: Binding): TokenSource {
  async function call(
    path: string,
    body: object,
    key: string,
    { fetch, signal }: SourceContext,
  ): Promise<TokenResponse> {
    const url = `${origin}${path}`
    const ask = async (): Promise<{ readonly response: Response; readonly isNew: boolean }> => {
      const proof = await binding.prove({ key, method: 'POST', url })
      const headers = { 'Content-Type': 'application/json', DPoP: proof }
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal })
      return { response, isNew: binding.learn(proof, (name) => response.headers.get(name)) }
    }
    const first = await ask()
    let { response } = first
    if (response.status === 400 && first.isNew) {
      const { error } = (await response.clone().json()) as { error?: string }
      if (error === 'use_dpop_nonce') ({ response } = await ask())
    }
    const answer = (await response.json()) as TokenResponse & { readonly error?: string }
    if (answer.error === 'invalid_grant')
      throw new TokenError('refresh_rejected', 'the server refused the refresh token')
    if (!response.ok) throw new Error(`the server answered ${response.status} (${String(answer.error)})`)
    return { ...answer, cnf: { jkt: key } }
  }

  return {
    id: `dpop ${origin}`,
    credential: 'token',
    binding,
    login: async (_input, context) => call('/login', {}, await binding.create(), context),
    refresh: ({ refreshToken, resource, key = '' }, context) =>
      call('/refresh', { refresh_token: refreshToken, resource }, key, context),
    revoke: ({ refreshToken, key = '' }, context) =>
      call('/revoke', { refresh_token: refreshToken }, key, context).then(
        () => 'confirmed',
        () => 'unconfirmed',
      ),
  }
}
