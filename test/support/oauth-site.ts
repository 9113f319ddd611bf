import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { PageSettings } from './oauth-page.ts'

export interface OAuthSite {
  readonly origin: string
  /** What its pages are told from now on, but for what the site knows itself. */
  settings: Partial<Omit<PageSettings, 'source'>> & { readonly source?: Partial<PageSettings['source']> }
  /** Sent with pages from now on. */
  headers: Readonly<Record<string, string>>
  /** The URLs of the pages that were asked for. */
  readonly visited: string[]
  close(): Promise<void>
}

const source = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url))
let script: Promise<string> | undefined

/** An origin with an application on it: at `/`, at `/callback`, and wherever else it is looked for. */
export async function startOAuthSite(host = 'localhost'): Promise<OAuthSite> {
  script ??= bundle()
  const code = await script
  const server = createServer(({ url = '/' }, response) => {
    const { pathname } = new URL(url, origin)
    if (pathname === '/page.js') {
      response.writeHead(200, { 'Content-Type': 'text/javascript; charset=utf-8' }).end(code)
      return
    }
    if (pathname !== '/favicon.ico') site.visited.push(url)
    const { source: given, ...more } = site.settings
    const own = { clientId: 'spa', redirectUri: `${origin}/callback`, scope: 'openid profile', ...given }
    const settings = { restores: true, stores: false, requestTimeoutMs: 3_000, ...more, source: own }
    const scripts =
      pathname === '/blank'
        ? ''
        : `<script>globalThis.oauthSettings = ${JSON.stringify(settings)}</script><script type="module" src="/page.js"></script>`
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      ...site.headers,
    })
    response.end(
      `<!doctype html><html lang="en"><title>The application</title><link rel="icon" href="data:,">${scripts}<h1>${pathname}</h1></html>`,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const origin = `http://${host}:${(server.address() as AddressInfo).port}`
  const site: OAuthSite = {
    origin,
    settings: {},
    headers: {},
    visited: [],
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return site
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('oauth-page.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
    alias: {
      tokenward: source('index.ts'),
      'tokenward/fetch': source('fetch/index.ts'),
      'tokenward/oauth': source('oauth/index.ts'),
      'tokenward/storage': source('storage/index.ts'),
    },
  })
  return outputFiles[0]?.text ?? ''
}
