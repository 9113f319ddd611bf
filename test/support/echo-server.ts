import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface EchoServer {
  readonly origin: string
  readonly received: Received[]
  /** The token that is accepted; any other, and none, gets a 401. */
  accepts: string
  /** Answers instead of the server. Returns `false` to leave it to the server. */
  answer: ((request: Received, response: ServerResponse) => unknown) | undefined
  close(): Promise<void>
}

/**
 * A resource server on the loopback. It answers what it received, to the byte: the servers of the test kit keep no bodies, and
 * no credentials.
 */
export async function startEchoServer({ cors }: { cors?: boolean } = {}): Promise<EchoServer> {
  const listener: RequestListener = (incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      if (cors) {
        response.setHeader('Access-Control-Allow-Origin', incoming.headers.origin ?? '*')
        response.setHeader('Access-Control-Allow-Headers', 'authorization, content-type, x-own')
        response.setHeader('Access-Control-Allow-Methods', 'GET, POST, PUT')
        response.setHeader('Access-Control-Expose-Headers', 'www-authenticate')
      }
      if (incoming.method === 'OPTIONS') return void response.writeHead(204).end()
      const { method = '', url = '', headers } = incoming
      const request: Received = { method, url, headers, body: Buffer.concat(chunks) }
      server.received.push(request)
      if (server.answer && server.answer(request, response) !== false) return
      const accepted = headers.authorization === `Bearer ${server.accepts}`
      response.writeHead(accepted ? 200 : 401, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ method, url, body: request.body.toString('latin1') }))
    })
  }
  const http = createServer(listener)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const server: EchoServer = {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    received: [],
    accepts: 'first',
    answer: undefined,
    close() {
      http.closeAllConnections()
      return new Promise((resolve) => http.close(() => resolve()))
    },
  }
  return server
}
