import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it came, preflights and credentials too, which no log of the test kit has. */
export interface Recorded {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** `'closed'`: the client took the connection away before it had the whole answer. */
  end: 'answered' | 'closed' | undefined
}

export interface Recorder {
  readonly origin: string
  readonly received: readonly Recorded[]
  /** Resolves when a request for `path` stands here. */
  arrived(path: string): Promise<void>
  /** Resolves when the client has taken the connection of a request for `path` away. */
  closed(path: string): Promise<void>
  close(): Promise<void>
}

/**
 * A server that belongs to nobody and writes down what it is sent. Every origin may read its answers, and it asks for
 * nothing: `/stall` never answers, `/drip` answers half, everything else is answered with `{}`.
 */
export async function startRecorder(): Promise<Recorder> {
  const received: Recorded[] = []
  const happened = new Map<string, PromiseWithResolver>()

  function moment(name: string): PromiseWithResolver {
    const known = happened.get(name)
    if (known !== undefined) return known
    let resolve = (): void => {}
    const promise = new Promise<void>((done) => (resolve = done))
    happened.set(name, { promise, resolve })
    return { promise, resolve }
  }

  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    const entry: Recorded = { method, url, headers, end: undefined }
    received.push(entry)
    const { pathname } = new URL(url, 'http://server.invalid')
    response.on('close', () => {
      entry.end = response.writableFinished ? 'answered' : 'closed'
      if (entry.end === 'closed') moment(`closed ${pathname}`).resolve()
    })
    response.setHeader('Access-Control-Allow-Origin', headers.origin ?? '*')
    response.setHeader('Access-Control-Allow-Credentials', 'true')
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST, PUT, PATCH, DELETE')
    response.setHeader('Access-Control-Allow-Headers', headers['access-control-request-headers'] ?? '')
    response.setHeader('Content-Type', 'application/json')
    if (method === 'OPTIONS') return void response.writeHead(204).end()
    request.resume()
    moment(`arrived ${pathname}`).resolve()
    if (pathname === '/stall') return
    if (pathname === '/drip') {
      response.writeHead(200, { 'Content-Length': '100000' })
      return void response.write('x'.repeat(50_000))
    }
    response.writeHead(200).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))

  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    received,
    arrived: (path) => moment(`arrived ${path}`).promise,
    closed: (path) => moment(`closed ${path}`).promise,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface PromiseWithResolver {
  readonly promise: Promise<void>
  readonly resolve: () => void
}
