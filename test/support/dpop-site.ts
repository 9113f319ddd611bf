import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type DpopServer, startDpopServer } from './dpop-server.ts'

export interface DpopSite {
  /** The page, which asks `server`: another origin. */
  readonly url: string
  readonly server: DpopServer
  close(): Promise<void>
}

let bundle: Promise<string> | undefined

/** `dpop-page.ts` in a page on `localhost`. */
export async function startDpopSite(): Promise<DpopSite> {
  bundle ??= build({
    entryPoints: [fileURLToPath(new URL('dpop-page.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? '')
  const script = await bundle
  const server = await startDpopServer()
  const pages = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.writeHead(200, { 'Content-Type': isScript ? 'text/javascript' : 'text/html; charset=utf-8' })
    const head = '<link rel="icon" href="data:,"><script type="module" src="/page.js"></script>'
    response.end(isScript ? script : `<!doctype html><html lang="en"><title>DPoP</title>${head}<h1>DPoP</h1></html>`)
  })
  await new Promise<void>((resolve) => pages.listen(0, 'localhost', resolve))
  const { port } = pages.address() as AddressInfo
  return {
    url: `http://localhost:${port}/?server=${encodeURIComponent(server.origin)}`,
    server,
    async close() {
      await server.close()
      pages.closeAllConnections()
      await new Promise((resolve) => pages.close(resolve))
    },
  }
}
