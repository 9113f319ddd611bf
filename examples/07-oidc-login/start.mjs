// An OpenID provider, APIs that take its tokens, and the pages of the examples that sign in there, each on loopback and at an
// origin of its own.
import { createServer } from 'node:http'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, runnerImport } from 'vite'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const { module } = await runnerImport(here('../server/provider.ts'), { configFile: false, logLevel: 'error' })
const pages = ['07-oidc-login', '08-several-apis', '09-step-up', '13-dpop']

const http = createServer()
await new Promise((resolve) => http.listen(Number(process.env.PORT ?? 0), 'localhost', resolve))
const origin = `http://localhost:${http.address().port}`
// The provider has to know where it may send its users back to.
const provider = await module.startProvider({ applications: [origin], pages, accessTokenTtlS: 15, trustsHints: false })

const { output } = await build({
  configFile: false,
  root: here('..'),
  logLevel: 'warn',
  define: { ISSUER: JSON.stringify(provider.issuer), API: JSON.stringify(provider.api) },
  build: { write: false, rolldownOptions: { input: pages.map((page) => here(`../${page}/index.html`)) } },
  // In an application these come from node_modules.
  resolve: {
    alias: [
      { find: /^tokenward$/, replacement: here('../../src/index.ts') },
      { find: /^tokenward\/(axios|dpop|fetch|oauth|storage)$/, replacement: here('../../src/$1/index.ts') },
    ],
  },
})
const files = new Map(output.map((file) => [`/${file.fileName}`, file.code ?? file.source]))
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' }

http.on('request', (request, response) => {
  const path = new URL(request.url, origin).pathname.replace(/\/$/, '/index.html')
  const file = files.get(path)
  const headers = { 'Content-Type': types[extname(path)] ?? 'text/plain', 'Referrer-Policy': 'no-referrer' }
  response.writeHead(file === undefined ? 404 : 200, headers).end(file)
})
console.log(`Ready: ${origin}/${pages[0]}/`)
console.log(`Beside it: ${pages.slice(1).join(', ')}. Any name is taken for a user. Ctrl+C ends it.`)

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, async () => {
    http.close()
    http.closeAllConnections()
    await provider.close()
    process.exit()
  })
}
