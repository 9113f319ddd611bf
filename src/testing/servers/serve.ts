import type { ServerClock } from './clock.ts'
import type { ServedFaults } from './faults.ts'
import type { Call, Reply } from './http.ts'
import { nodeHttp, type Incoming, type Outgoing } from './node.ts'

/** `localhost` is the same site as a page on `localhost`, so cookies go along; `127.0.0.1` is another site. */
export type Host = '127.0.0.1' | 'localhost'

export interface ServeOptions {
  readonly host: Host
  /** Default: a free one. */
  readonly port?: number
  /** What a call is named in faults and logs. */
  readonly endpoint: (call: Call) => string
  readonly handle: (call: Call) => Promise<Reply>
  /** Told about each call when it arrives; what it returns is told how the call ended. */
  readonly watch: (call: Call, endpoint: string) => (end: CallEnd, status?: number) => void
  readonly faults: ServedFaults
  readonly clock: ServerClock
  /** The origins that may read answers, with credentials. Read at each request. */
  readonly allowedOrigins: () => readonly string[] | 'any'
}

/** How a call ended on the wire. */
export type CallEnd = 'answered' | 'answered wrongly' | 'dropped' | 'cut' | 'silence'

export interface Served {
  readonly origin: string
  /** Ends what is in flight too. */
  close(): Promise<void>
}

/** Serves on a loopback port. */
export async function serve(options: ServeOptions): Promise<Served> {
  const { createServer } = nodeHttp()
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, options.host, resolve)
  })
  let closed: Promise<void> | undefined
  return {
    origin: `http://${options.host}:${(server.address() as { readonly port: number }).port}`,
    close: () =>
      (closed ??= new Promise((resolve) => {
        options.faults.clear()
        server.close(resolve)
        server.closeAllConnections()
      })),
  }
}

async function answer(options: ServeOptions, request: Incoming, response: Outgoing): Promise<void> {
  const { faults, clock } = options
  response.setHeader('Date', new Date(clock.now()).toUTCString())
  // RFC 6749 section 5.1; and nothing here is worth a cache.
  response.setHeader('Cache-Control', 'no-store')
  const headers = singleHeaders(request.headers)
  const cors = corsHeaders(options.allowedOrigins(), headers)
  if (request.method === 'OPTIONS' && headers['access-control-request-method'] !== undefined) {
    request.resume()
    send(response, { status: 204, headers: { ...cors, ...preflightHeaders(headers) } })
    return
  }
  const call: Call = {
    method: request.method ?? 'GET',
    url: urlOf(request.url ?? '/', headers['host']),
    headers,
    body: await bodyOf(request),
  }
  const endpoint = options.endpoint(call)
  const settle = options.watch(call, endpoint)
  const { fault, gate } = faults.take(endpoint)

  await gate?.pass('before')
  if (fault?.delayMs !== undefined) await faults.wait(fault.delayMs)
  const replaced = fault?.answer !== undefined && fault.committed !== true
  const reply = replaced ? { status: 500 } : await options.handle(call)
  await gate?.pass('after')

  const allowed = fault?.withoutCors === true ? {} : cors
  const wrong = fault?.answer
  if (wrong === 'silence') {
    settle('silence')
  } else if (wrong === 'drop') {
    settle('dropped')
    response.destroy()
  } else if (wrong === 'cut') {
    settle('cut')
    const body = reply.body ?? ''
    const length = typeof body === 'string' ? new TextEncoder().encode(body).length : body.length
    response.writeHead(reply.status, { ...reply.headers, ...allowed, 'Content-Length': String(length) })
    response.write(halfOf(body), () => response.destroy())
  } else {
    const sent =
      wrong === undefined ? reply : wrong === 'truncate' ? { ...reply, body: halfOf(reply.body ?? '') } : wrong
    settle(wrong === undefined ? 'answered' : 'answered wrongly', sent.status)
    send(response, { ...sent, headers: { ...sent.headers, ...allowed } })
  }
}

function send(response: Outgoing, { status, headers = {}, body }: Reply): void {
  response.writeHead(status, headers)
  response.end(body)
}

function halfOf(body: string | Uint8Array): string | Uint8Array {
  return body.slice(0, body.length / 2)
}

async function bodyOf(request: Incoming): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request) {
    chunks.push(chunk)
    length += chunk.length
  }
  const body = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
  }
  return body
}

/** The request target may be absolute (RFC 9112 section 3.2.2), and `Host` may be anything. */
function urlOf(target: string, host: string | undefined): URL {
  const base = `http://${host ?? 'server.invalid'}`
  const url = target.startsWith('/') ? `${base}${target}` : target
  return URL.canParse(url) ? new URL(url) : new URL('http://server.invalid/')
}

function singleHeaders(headers: Incoming['headers']): Call['headers'] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
}

function corsHeaders(allowed: readonly string[] | 'any', { origin }: Call['headers']): Record<string, string> {
  if (origin === undefined || (allowed !== 'any' && !allowed.includes(origin))) return { Vary: 'Origin' }
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Expose-Headers': 'WWW-Authenticate, Retry-After, Date, DPoP-Nonce',
  }
}

function preflightHeaders(headers: Call['headers']): Record<string, string> {
  return {
    'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
    'Access-Control-Allow-Headers': headers['access-control-request-headers'] ?? '',
    'Access-Control-Max-Age': '600',
  }
}
