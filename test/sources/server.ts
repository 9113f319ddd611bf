import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { type TokenError, tokenErrorOf } from '../../src/errors.ts'
import type { SourceContext } from '../../src/ports.ts'

export interface Answered {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** A text as it is, anything else as JSON. */
  readonly body?: unknown
  /** Breaks the connection instead. */
  readonly broken?: boolean
}

export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

export interface Station {
  readonly url: string
  readonly seen: Seen[]
  /** What the next calls are answered. */
  answer: Answered
  close(): Promise<void>
}

/** The wall clock of the device in these tests. */
export const NOW = Date.UTC(2026, 10, 22, 12)

/**
 * A real server that gives one prepared answer and remembers what it was asked, secrets included: here it matters what is sent,
 * and what any answer is taken for. The servers of the test kit decide themselves, and log no secret.
 */
export async function startServer(): Promise<Station> {
  const seen: Seen[] = []
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const { method = '', url: path = '', headers } = request
      seen.push({ method, path, headers, body: text === '' ? undefined : (JSON.parse(text) as unknown) })
      const { status = 200, headers: given = {}, body, broken = false } = station.answer
      if (broken) {
        request.socket.destroy()
        return
      }
      response.sendDate = false
      response.writeHead(status, { 'content-type': 'application/json', ...given })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const station: Station = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answer: {},
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => {
          resolve()
        })
      }),
  }
  return station
}

/** What a source gets from the manager; `inits` collects what it hands to `fetch`. */
export function contextOf(
  inits: RequestInit[] = [],
  signal: AbortSignal = new AbortController().signal,
): SourceContext {
  return {
    signal,
    now: () => NOW,
    fetch(input, init) {
      if (init) inits.push(init)
      return fetch(input, init)
    },
  }
}

export async function failureOf(promise: Promise<unknown>): Promise<TokenError> {
  const error = tokenErrorOf(
    await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    ),
  )
  expect(error).toBeDefined()
  return error as TokenError
}
