import type { Har } from 'tokenward/testing'

/** An exchange of a recording, as short as can be. */
export interface Brief {
  readonly url: string
  readonly method?: string
  /** JSON. */
  readonly send?: unknown
  readonly form?: Readonly<Record<string, string>>
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly status?: number
  readonly answer?: unknown
  readonly answerHeaders?: Readonly<Record<string, string>>
  readonly kind?: 'login' | 'refresh' | 'logout'
  readonly principal?: string
  readonly credentials?: boolean
}

type Reference = NonNullable<Har['log']['_tokens']>[number]

export const recordedAt = Date.UTC(2025, 5, 1)
export const api = 'https://api.example.com'
export const shop = 'https://charges.example.net'

/** A recording with placeholders, as a recorder writes it. */
export function recording(exchanges: readonly Brief[], tokens: readonly Reference[]): Har {
  const entries = exchanges.map((one, index) => {
    const { url, send, form, token, headers = {}, answer, answerHeaders = {}, status = 200 } = one
    const pairs = (from: Readonly<Record<string, string>>): { name: string; value: string }[] =>
      Object.entries(from).map(([name, value]) => ({ name, value }))
    const mimeType = form ? 'application/x-www-form-urlencoded' : 'application/json'
    const text = form ? new URLSearchParams(form).toString() : send === undefined ? undefined : JSON.stringify(send)
    return {
      startedDateTime: new Date(recordedAt + index * 1_000).toISOString(),
      time: 5,
      request: {
        method: one.method ?? (text === undefined ? 'GET' : 'POST'),
        url,
        httpVersion: 'HTTP/1.1',
        cookies: [],
        headers: pairs({ ...(token && { authorization: `Bearer {{${token}}}` }), ...headers }),
        queryString: pairs(Object.fromEntries(new URL(url).searchParams)),
        ...(text !== undefined && { postData: { mimeType, text } }),
        headersSize: -1,
        bodySize: -1,
      },
      response: {
        status,
        statusText: '',
        httpVersion: 'HTTP/1.1',
        cookies: [],
        headers: pairs({ 'content-type': 'application/json', 'content-length': '9999', ...answerHeaders }),
        content: {
          size: -1,
          mimeType: 'application/json',
          ...(answer !== undefined && { text: JSON.stringify(answer) }),
        },
        redirectURL: '',
        headersSize: -1,
        bodySize: -1,
      },
      cache: {},
      timings: { send: 0, wait: 5, receive: 0 },
      ...(one.kind && { _exchange: one.kind }),
      ...(one.principal && { _principal: one.principal }),
      ...(one.credentials && { _credentials: true }),
    }
  })
  return {
    log: { version: '1.2', creator: { name: 'test', version: '1' }, _tokenward: 1, _tokens: tokens, entries },
  }
}

export function reference(id: string, more: Partial<Reference> = {}): Reference {
  const [kind = '', principal = ''] = id.split('_')
  return {
    id,
    kind: kind as Reference['kind'],
    principal,
    claims: {},
    issuedBy: null,
    refreshedFrom: null,
    ...more,
  }
}

const grant = (generation: number): Record<string, unknown> => ({
  access_token: `{{access_p1_${generation}}}`,
  token_type: 'Bearer',
  expires_in: 60,
  refresh_token: `{{refresh_p1_${generation}}}`,
})

/** Two users of an API, and a third party that has a token of its own. */
export const story: Har = recording(
  [
    {
      ...{ url: `${api}/login`, send: { email: 'ann@example.com', password: '{{password_p1_1}}' }, answer: grant(1) },
      ...{ kind: 'login', principal: 'p1' },
    },
    { url: `${api}/me`, token: 'access_p1_1', answer: { name: 'Ann' } },
    { url: `${api}/orders?page=1`, token: 'access_p1_1', answer: { orders: [1] } },
    { url: `${api}/orders?page=2`, token: 'access_p1_1', answer: { orders: [2] } },
    {
      ...{ url: `${api}/admin`, token: 'access_p1_1', status: 403, answer: { error: 'insufficient_scope' } },
      answerHeaders: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="admin"' },
    },
    { url: `${api}/me`, token: 'access_p1_1', status: 401, answer: { error: 'expired' } },
    {
      ...{ url: `${api}/refresh`, send: { refresh_token: '{{refresh_p1_1}}' }, answer: grant(2) },
      ...{ kind: 'refresh', principal: 'p1' },
    },
    { url: `${api}/orders?page=1`, token: 'access_p1_2', answer: { orders: [1, 3] } },
    { url: `${api}/orders`, token: 'access_p1_2', send: { item: 'Tea' }, status: 201, answer: { id: 7 } },
    { url: `${api}/orders`, token: 'access_p1_2', send: { item: 'Bread' }, status: 201, answer: { id: 8 } },
    { url: `${api}/public`, answer: { hello: 'anybody' } },
    { url: `${shop}/charges`, token: 'access_p2_1', answer: { data: [] } },
    {
      ...{ url: `${api}/login`, send: { email: 'bob@example.com', password: '{{password_p3_1}}' } },
      ...{ answer: { access_token: '{{access_p3_1}}', expires_in: 60 }, kind: 'login', principal: 'p3' },
    },
    { url: `${api}/admin`, token: 'access_p3_1', answer: { admin: true } },
    {
      ...{ url: `${api}/logout`, send: { refresh_token: '{{refresh_p1_2}}' }, status: 204 },
      ...{ kind: 'logout', principal: 'p1' },
    },
  ],
  [
    reference('password_p1_1'),
    reference('access_p1_1', { claims: { aud: api, scope: 'orders', ttl: 60 }, issuedBy: 0, format: 'jwt' }),
    reference('refresh_p1_1', { issuedBy: 0 }),
    reference('access_p1_2', {
      ...{ claims: { aud: api, scope: 'orders', ttl: 60 }, issuedBy: 6, refreshedFrom: 'refresh_p1_1', format: 'jwt' },
    }),
    reference('refresh_p1_2', { issuedBy: 6, refreshedFrom: 'refresh_p1_1' }),
    reference('access_p2_1', { claims: { ttl: 600 } }),
    reference('password_p3_1'),
    reference('access_p3_1', { claims: { aud: api, scope: 'orders admin', ttl: 60 }, issuedBy: 12, format: 'jwt' }),
  ],
)
