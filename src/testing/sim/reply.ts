/** What a simulated server answers. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

export function html(status: number): Reply {
  const body = '<!doctype html><title>Welcome</title><h1>Accept the terms to go online</h1>'
  return { status, headers: { 'content-type': 'text/html' }, body }
}

/**
 * As much of a `Response` as applications use of one, at a twentieth of its price.
 *
 * @param read Brings the body, when the page can run.
 */
export function toResponse({ status, headers }: Reply, url: string, read: () => Promise<string>): Response {
  const response = {
    status,
    ok: status >= 200 && status < 300,
    statusText: '',
    type: 'basic',
    redirected: false,
    url,
    headers: new Headers(headers),
    text: read,
    json: async (): Promise<unknown> => JSON.parse(await read()),
    clone: () => response,
  }
  return response as unknown as Response
}
