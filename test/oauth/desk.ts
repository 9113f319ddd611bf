import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { type TokenError, tokenErrorOf } from '../../src/errors.ts'
import type { OAuthLogin, OAuthSourceOptions } from '../../src/oauth/options.ts'
import type { LoginPage } from '../../src/oauth/setup.ts'
import { createOAuthSource } from '../../src/oauth/source.ts'
import type { Transaction } from '../../src/oauth/transactions.ts'
import type { SourceContext, TokenSource } from '../../src/ports.ts'

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
  readonly text: string
  readonly form: URLSearchParams
}

export interface AuthorizationServerDesk {
  readonly url: string
  readonly seen: Seen[]
  /** What a path is answered, once each, the last one for good. Default: 404. */
  answers: Record<string, readonly Answered[]>
  close(): Promise<void>
}

/**
 * A real server that gives prepared answers and remembers what it was asked, to the letter: what these tests are about is
 * which bytes leave, and what comes of answers that are wrong. The servers of the test kit do what is right, and their log
 * has no secret in it. What a whole flow does is tested with servers of others (`servers.test.ts`, `test/e2e/oauth.test.ts`).
 */
export async function startDesk(): Promise<AuthorizationServerDesk> {
  const seen: Seen[] = []
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const { method = '', url: path = '', headers } = request
      seen.push({ method, path, headers, text, form: new URLSearchParams(text) })
      const [next = { status: 404 }, ...later] = desk.answers[path] ?? []
      if (later.length > 0) desk.answers[path] = later
      const { status = 200, headers: given = {}, body = '', broken = false } = next
      if (broken) return void request.socket.destroy()
      response.sendDate = false
      response.writeHead(status, { 'content-type': 'application/json', ...given })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const desk: AuthorizationServerDesk = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answers: {},
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  return desk
}

/** The wall clock of the device in these tests. */
export const NOW = Date.UTC(2026, 10, 22, 12)

/** What a source gets from the manager; `inits` collects what it hands to `fetch`. */
function contextOf(inits: RequestInit[] = []): SourceContext {
  return {
    signal: new AbortController().signal,
    now: () => NOW,
    fetch(input, init) {
      if (init) inits.push(init)
      return fetch(input, init)
    },
  }
}

export interface PageDesk extends LoginPage {
  href: string
  /** Where the page was sent. */
  readonly left: string[]
  readonly notes: Map<string, string>
  readonly stored: Map<string, unknown>
  /** Shows the page again, out of the back/forward cache. */
  comeBack(): void
}

/** A page at `href`, on an origin whose tabs share what is `stored`. */
export function createPage(href: string, stored: Map<string, unknown> = new Map()): PageDesk {
  const listeners = new Set<() => void>()
  const notes = new Map<string, string>()
  const left: string[] = []
  let randoms = 0
  const page: PageDesk = {
    href,
    left,
    notes,
    stored,
    comeBack: () => listeners.forEach((listener) => listener()),
    url: () => page.href,
    replaceUrl: (url) => void (page.href = new URL(url, page.href).href),
    leave: (url) => void left.push(url),
    onReturn(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    open: () => undefined,
    close: () => {},
    hasFocus: () => true,
    random: () => `random-${++randoms}`,
    note(key, text) {
      if (text !== undefined) notes.set(key, text)
      return notes.get(key) ?? ''
    },
    clock: { now: () => ({ wall: Date.now(), monotonic: performance.now() }) },
    timer(task, delayMs) {
      const id = setTimeout(task, delayMs)
      id.unref()
      return () => clearTimeout(id)
    },
    async records(name, change) {
      await Promise.resolve()
      stored.set(name, structuredClone(change(structuredClone(stored.get(name)))))
    },
    openChannel: () => ({ post() {}, close() {} }),
  }
  return page
}

export const CALLBACK = 'https://app.example.com/callback'

export interface Scene {
  readonly source: Required<
    Pick<TokenSource<OAuthLogin>, 'authorize' | 'login' | 'returned' | 'endSessionUrl' | 'revoke'>
  > &
    TokenSource<OAuthLogin>
  readonly page: PageDesk
  /** What was handed to `fetch`. */
  readonly inits: RequestInit[]
  readonly context: SourceContext
}

export function createScene(
  url: string,
  options: Partial<OAuthSourceOptions> = {},
  page: PageDesk = createPage(CALLBACK),
): Scene {
  const inits: RequestInit[] = []
  const server = {
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    revocation_endpoint: `${url}/revoke`,
    end_session_endpoint: `${url}/end`,
    pushed_authorization_request_endpoint: `${url}/par`,
    ...options.server,
  }
  const { issuer, server: _server, ...rest } = options
  const where = issuer === undefined ? { server } : { issuer }
  const config = { clientId: 'shop', redirectUri: CALLBACK, ...rest, ...where }
  const source = createOAuthSource(config, page, noBinding)
  return { source: source as Scene['source'], page, inits, context: contextOf(inits) }
}

export function noBinding(): never {
  throw new Error('not here')
}

/** Begins a login that leaves the page: the request that the user is sent away with. */
export async function begin({ source, page, context }: Scene, login: OAuthLogin = {}): Promise<URLSearchParams> {
  const usersPart = await source.authorize(login, context)
  const leaving = new AbortController()
  usersPart(leaving.signal).catch(() => {})
  const url = page.left.at(-1)
  leaving.abort()
  expect(url).toBeDefined()
  return new URL(url!).searchParams
}

/** A login that is on its way under the state `state`, as if `source` had begun it. */
export function remember({ source, page }: Scene, state: string, more: Partial<Transaction> = {}): void {
  const transaction = { verifier: 'v'.repeat(43), redirectUri: CALLBACK, scope: '', at: NOW - 1_000, ...more }
  page.stored.set(`oauth ${source.id}`, { version: 1, logins: { [state]: transaction } })
}

export async function failureOf(promise: Promise<unknown>): Promise<TokenError> {
  const error = tokenErrorOf(
    await promise.then(
      (value) => ({ resolved: value }),
      (reason: unknown) => reason,
    ),
  )
  expect(error).toBeDefined()
  return error!
}
