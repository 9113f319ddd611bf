import { readFile } from 'node:fs/promises'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { AuthServerOptions } from '../../src/testing/index.ts'
import { startBackend, type Backend } from './backend.ts'

export interface Site extends Pick<Backend, 'auth' | 'api'> {
  /** Ends in a slash. */
  readonly url: string
  close(): Promise<void>
}

export interface SiteOptions {
  readonly auth?: Omit<AuthServerOptions, 'clock' | 'host'>
  /** Sent with every page. */
  readonly headers?: Readonly<Record<string, string>>
  /** What is served. Default: a page with `page.ts` in it, and `/blank`. */
  readonly folder?: string
  /** Is told what comes to the authorization server at /auth, and what it answers. */
  readonly watch?: (call: CookieCall) => void
}

/** One call to the authorization server, as whoever stands before it sees it. Times are epoch milliseconds. */
export interface CookieCall {
  /** What the page calls it: its header `X-Exchange`. */
  readonly id: string
  /** The refresh cookie that the browser has sent. */
  readonly presented: string | undefined
  readonly status: number
  /** The refresh cookie that is set. Empty: it is taken away. */
  readonly cookie: string | undefined
  readonly body: string
  readonly decidedAt: number
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
}

/** One origin, as behind a reverse proxy: pages at /, the authorization server at /auth, the API at /api. */
export async function startSite({ auth: settings, headers = {}, folder, watch }: SiteOptions = {}): Promise<Site> {
  const backend = await startBackend({
    host: 'localhost',
    auth: { accessTokenMs: 300_000, allowedOrigins: 'any', ...settings },
    api: { allowedOrigins: 'any' },
  })
  const { auth, api } = backend
  const own = folder === undefined ? await ownPages() : undefined

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/'
    if (path.startsWith('/auth/')) return pass(request, response, new URL(path, auth.origin), watch)
    if (path.startsWith('/api/')) return pass(request, response, new URL(path.slice('/api'.length), api.origin))
    const { pathname } = new URL(path, 'http://site.invalid')
    const name = pathname === '/' ? '/index.html' : pathname
    const body = own ? own[name] : await readFile(join(folder ?? '', name), 'utf8').catch(() => undefined)
    const type = types[extname(name)] ?? 'text/html; charset=utf-8'
    response.writeHead(body === undefined ? 404 : 200, {
      'Content-Type': type,
      'Cache-Control': 'no-store',
      ...headers,
    })
    response.end(body)
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  return {
    auth,
    api,
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    async close() {
      await backend.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Keeps what an API answers to a GET, whoever has asked, and answers from it: what applications do to work offline. */
const WORKER = `
addEventListener('install', () => skipWaiting())
addEventListener('activate', (event) => event.waitUntil(clients.claim()))
addEventListener('fetch', (event) => {
  const { request } = event
  const isKept = request.method === 'GET' && request.url.endsWith('/api/me')
  event.respondWith(isKept ? fromCache(request) : fetch(request))
})
async function fromCache(request) {
  const kept = await caches.match(request)
  if (kept) return kept
  const answer = await fetch(request)
  if (answer.ok) await (await caches.open('answers')).put(request, answer.clone())
  return answer
}`

function pass(request: IncomingMessage, response: ServerResponse, to: URL, watch?: SiteOptions['watch']): void {
  const further = forward(to, { method: request.method, headers: request.headers }, (answer) => {
    const id = request.headers['x-exchange']
    if (watch && typeof id === 'string') {
      const decidedAt = epochMs()
      const presented = cookieIn([request.headers.cookie ?? ''])
      const { statusCode: status = 502, headers } = answer
      let body = ''
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()))
      answer.once('end', () =>
        watch({ id, presented, status, cookie: cookieIn(headers['set-cookie']), body, decidedAt }),
      )
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response).once('error', () => answer.destroy())
    answer.once('error', () => response.destroy())
  })
  further.once('error', () => response.destroy())
  request.pipe(further)
}

/** The refresh cookie in a `Cookie`, or in what is to be one. */
function cookieIn(texts: readonly string[] = []): string | undefined {
  return texts.map((text) => /(?:^|; )refresh_token=([^;]*)/.exec(text)?.[1]).find((value) => value !== undefined)
}

/** As pages tell the time: with fractions. */
function epochMs(): number {
  return performance.timeOrigin + performance.now()
}

async function ownPages(): Promise<Record<string, string>> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  })
  const html = (title: string, head: string): string =>
    `<!doctype html><html lang="en"><title>${title}</title><link rel="icon" href="data:,">${head}<h1>${title}</h1></html>`
  return {
    '/index.html': html('The application', '<script type="module" src="/page.js"></script>'),
    '/blank': html('Another page', ''),
    '/page.js': outputFiles[0]?.text ?? '',
    '/worker.js': WORKER,
  }
}
