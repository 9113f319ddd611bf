import { post } from '../../oauth/endpoint.ts'
import type { Binding, SourceContext, TokenSource } from '../../ports.ts'
import { type ReadAnswer, toError, toErrorCode } from '../../sources/answer.ts'
import type { TokenResponse } from '../../token.ts'

/** What a sign-in takes. */
export type Login = { readonly user: string }

/** An authorization server that is asked as `oauthSource` asks one, without its code and its ID tokens. */
export function proofSource(root: string, binding: Binding): TokenSource<Login> {
  const ask = (
    name: 'login' | 'refresh' | 'logout',
    parameters: Readonly<Record<string, string | undefined>>,
    more: { readonly context: SourceContext; readonly key: string | undefined; readonly keepalive?: boolean },
  ): Promise<ReadAnswer> => post(new URL(name, root), parameters, { binding, ...more })

  function tokensIn(answer: ReadAnswer, key: string | undefined, isLogin: boolean): TokenResponse {
    const { ok, body, error, refused } = answer
    const tokens = Object(body) as Partial<TokenResponse>
    if (ok && tokens.access_token)
      return { ...tokens, ...(key !== undefined && { cnf: { jkt: key } }) } as TokenResponse
    const over = !isLogin && refused && error === 'invalid_grant'
    throw toError(answer, over ? 'refresh_rejected' : refused && (toErrorCode(error) || (isLogin && 'login_failed')))
  }

  return {
    id: `proofs ${root}`,
    credential: 'token',
    binding,
    async login({ user }, context) {
      const key = await binding.create()
      return tokensIn(await ask('login', { user }, { context, key }), key, true)
    },
    async refresh({ refreshToken, resource, scope, key }, context) {
      return tokensIn(
        await ask('refresh', { refresh_token: refreshToken, resource, scope }, { context, key }),
        key,
        false,
      )
    },
    revoke: ({ refreshToken, key }, context) =>
      ask('logout', { refresh_token: refreshToken }, { context, key, keepalive: true }).then(
        ({ ok }) => (ok ? 'confirmed' : 'unconfirmed'),
        () => 'unconfirmed',
      ),
  }
}
