import { request as forward } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { makeCertificate } from './certificate.ts'

export interface Http2Front {
  readonly origin: string
  close(): Promise<void>
}

/** Serves what is at `target` over HTTP/2. */
export async function startHttp2Front(target: string): Promise<Http2Front> {
  const sockets = new Set<Socket>()
  const server = createSecureServer(makeCertificate(), (request, response) => {
    const own = Object.entries(request.headers).filter(([name]) => !name.startsWith(':'))
    const options = { method: request.method, headers: Object.fromEntries(own) }
    const further = forward(new URL(request.url, target), options, (answer) => {
      const { connection: _hop, 'keep-alive': _too, 'transfer-encoding': _coding, ...headers } = answer.headers
      response.writeHead(answer.statusCode ?? 500, headers)
      answer.pipe(response)
    })
    further.once('error', () => response.stream.close())
    request.pipe(further)
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  return {
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
