import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * What happens to one call: its answer is lost after the server has made it; so is the call itself, before; the answer is late by
 * as many milliseconds; or the call reaches the server twice, and the first answer comes.
 */
export type Fault = 'lost-answer' | 'lost-call' | 'doubled' | number

export interface FaultProxy {
  readonly origin: string
  /** For the next call to `path`. */
  next(path: string, ...faults: readonly Fault[]): void
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** Stands between an application and the server at `target`. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const faults = new Map<string, Fault[]>()

  async function pass(request: IncomingMessage, body: Buffer): Promise<Answer> {
    const { method, headers, url = '/' } = request
    const host = new URL(target).host
    return new Promise((resolve, reject) => {
      const further = forward(new URL(url, target), { method, headers: { ...headers, host } }, (answer) => {
        read(answer).then(
          (text) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: text }),
          reject,
        )
      })
      further.once('error', reject)
      further.end(body)
    })
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', target)
    const body = await read(request)
    const fault = request.method === 'POST' ? faults.get(pathname)?.shift() : undefined
    if (fault === 'lost-call') return void request.socket.destroy()
    const answer = await pass(request, body)
    if (fault === 'doubled') await pass(request, body)
    if (fault === 'lost-answer') return void request.socket.destroy()
    if (typeof fault === 'number') await new Promise((resolve) => setTimeout(resolve, fault))
    response.writeHead(answer.status, answer.headers)
    response.end(answer.body)
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    next: (path, ...more) => void faults.set(path, [...(faults.get(path) ?? []), ...more]),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

async function read(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
