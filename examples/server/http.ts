import { createHash } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Faults } from './faults.ts'

/** A request, read to its end. */
export interface Call {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
}

/** `localhost` is the same site as a page on `localhost`, so cookies go along; `127.0.0.1` is another site. */
export type Host = '127.0.0.1' | 'localhost'

export interface ServeOptions {
  readonly host: Host
  /** What a call is named in faults and logs. */
  readonly endpoint: (call: Call) => string
  readonly handle: (call: Call) => Promise<Reply>
  /** Told about each call when it arrives; what it returns is told how the call ended. */
  readonly watch: (call: Call, endpoint: string) => (end: string, status?: number) => void
  readonly faults: Faults
  readonly now: () => number
  /** The origins that may read answers, with credentials. Read at each request. */
  readonly allowedOrigins: () => readonly string[] | 'any'
}

/** Serves on a free loopback port. `close` ends what is in flight too. */
export async function serve(options: ServeOptions): Promise<{ origin: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, options.host, resolve)
  })
  return {
    origin: `http://${options.host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        options.faults.clear()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(options: ServeOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { faults, now } = options
  response.setHeader('Date', new Date(now()).toUTCString())
  response.setHeader('Cache-Control', 'no-store')
  const cors = corsHeaders(options.allowedOrigins(), request.headers)
  if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
    request.resume()
    return send(response, { status: 204, headers: { ...cors, ...preflightHeaders(request.headers) } })
  }

  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const call: Call = {
    method: request.method ?? 'GET',
    url: new URL(request.url ?? '/', 'http://server.invalid'),
    headers: request.headers,
    body: Buffer.concat(chunks),
  }
  const endpoint = options.endpoint(call)
  const settle = options.watch(call, endpoint)
  const { fault, gate } = faults.take(endpoint)

  await gate?.pass('before')
  if (fault?.delayMs !== undefined) await faults.wait(fault.delayMs)
  const replaced = fault?.answer !== undefined && fault.committed !== true
  const reply = replaced ? { status: 500 } : await options.handle(call)
  await gate?.pass('after')

  const headers = fault?.withoutCors === true ? {} : cors
  const wrong = fault?.answer
  if (wrong === 'silence') return settle('silence')
  if (wrong === 'drop') {
    settle('dropped')
    response.destroy()
  } else if (wrong === 'cut') {
    settle('cut')
    const body = reply.body ?? ''
    response.writeHead(reply.status, {
      ...reply.headers,
      ...headers,
      'Content-Length': String(Buffer.byteLength(body)),
    })
    response.write(body.slice(0, body.length / 2), () => response.destroy())
  } else {
    const sent =
      wrong === undefined
        ? reply
        : wrong === 'truncate'
          ? { ...reply, body: reply.body?.slice(0, reply.body.length / 2) ?? '' }
          : wrong
    settle(wrong === undefined ? 'answered' : 'answered wrongly', sent.status)
    send(response, { ...sent, headers: { ...sent.headers, ...headers } })
  }
}

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, headers as Record<string, string | string[]>)
  response.end(body)
}

function corsHeaders(allowed: readonly string[] | 'any', { origin }: IncomingHttpHeaders): Record<string, string> {
  if (origin === undefined || (allowed !== 'any' && !allowed.includes(origin))) return { Vary: 'Origin' }
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Expose-Headers': 'WWW-Authenticate, Retry-After, Date',
  }
}

function preflightHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return {
    'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
    'Access-Control-Allow-Headers': headers['access-control-request-headers'] ?? '',
    'Access-Control-Max-Age': '600',
  }
}

export function json(status: number, body: unknown, headers: Reply['headers'] = {}): Reply {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

/** The JSON object in the body; an empty one for anything else. */
export function jsonBody({ body }: Call): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

export function cookie({ headers }: Call, name: string): string | undefined {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [key, ...rest] = pair.trim().split('=')
    if (key === name) return rest.join('=')
  }
  return undefined
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64url')
}

/** Names a secret in logs and assertions without being it. */
export function fingerprint(secret: string): string {
  return sha256(secret).slice(0, 12)
}
