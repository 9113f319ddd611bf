import type { ApiRequest, Route } from './api-options.ts'
import { digest } from './digest.ts'
import { json, type Call } from './http.ts'

/** What an API of the examples and tests answers. All but the public paths need an access token. */
export const demoRoutes: Readonly<Record<string, Route>> = {
  '/me': { answer: ({ claims: { sub, scope } }) => json(200, { email: sub, scope }) },
  '/orders': {
    answer: ({ claims: { sub } }) =>
      json(200, {
        orders: [
          { id: 1, item: 'Tea', by: sub },
          { id: 2, item: 'Bread', by: sub },
        ],
      }),
  },
  '/echo': {
    answer: async (request) =>
      json(200, {
        method: request.method,
        url: request.url.pathname + request.url.search,
        ...(await describe(request)),
      }),
  },
  '/upload': { answer: async (request) => json(201, await describe(request)) },
  '/slow': {
    async answer({ url, wait, claims: { sub } }) {
      await wait(Number(url.searchParams.get('ms') ?? 1_000))
      return json(200, { email: sub })
    },
  },
  '/big': {
    answer: () => json(200, { rows: Array.from({ length: 20_000 }, (_, id) => ({ id, text: 'x'.repeat(32) })) }),
  },
  '/admin': { scope: 'admin', answer: ({ claims: { sub } }) => json(200, { admin: sub }) },
  '/transfer': { acr: 'urn:example:mfa', answer: ({ claims: { sub } }) => json(200, { transferredBy: sub }) },
}

/** What came, so that a client can compare it with what it meant to send. Credentials are not sent back. */
async function describe({ headers, body }: ApiRequest): Promise<Record<string, unknown>> {
  const { authorization: _credential, cookie: _cookie, dpop: _proof, ...rest } = headers
  const contentType = headers['content-type']
  const described = { headers: rest, contentType, bytes: body.byteLength, sha256: digest(body) }
  return contentType?.startsWith('multipart/form-data') === true
    ? { ...described, parts: await parts(contentType, body) }
    : described
}

/** The parts without their boundary, which differs between two encodings of one form. */
async function parts(contentType: string, body: Call['body']): Promise<unknown[]> {
  const form = await new Response(new Uint8Array(body), { headers: { 'Content-Type': contentType } }).formData()
  const described: unknown[] = []
  for (const [name, value] of form) {
    described.push(
      typeof value === 'string'
        ? { name, value }
        : { name, filename: value.name, type: value.type, sha256: digest(new Uint8Array(await value.arrayBuffer())) },
    )
  }
  return described
}
