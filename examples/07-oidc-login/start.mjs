// An OpenID provider, APIs that take its tokens, and the pages of the examples that sign in there, each on loopback and at an
// origin of its own.
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createServer as createVite, runnerImport } from 'vite'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const { module } = await runnerImport(here('../server/provider.ts'), { configFile: false, logLevel: 'error' })
const pages = ['07-oidc-login', '08-several-apis', '09-step-up', '13-dpop']

const http = createServer()
await new Promise((resolve) => http.listen(Number(process.env.PORT ?? 0), 'localhost', resolve))
const origin = `http://localhost:${http.address().port}`
// The provider has to know where it may send its users back to.
const provider = await module.startProvider({ applications: [origin], pages, accessTokenTtlS: 15, trustsHints: false })

const vite = await createVite({
  configFile: false,
  root: here('..'),
  logLevel: 'warn',
  appType: 'mpa',
  define: { ISSUER: JSON.stringify(provider.issuer), API: JSON.stringify(provider.api) },
  server: {
    middlewareMode: true,
    // A test's page must not reload because somebody saves a file.
    watch: process.env.CI === undefined ? {} : null,
    hmr: { server: http },
    headers: { 'Referrer-Policy': 'no-referrer' },
  },
  // In an application these come from node_modules.
  resolve: {
    alias: [
      { find: /^tokenward$/, replacement: here('../../src/index.ts') },
      { find: /^tokenward\/(axios|dpop|fetch|oauth|storage)$/, replacement: here('../../src/$1/index.ts') },
    ],
  },
  optimizeDeps: { noDiscovery: true, include: ['axios', 'idb-keyval', 'oauth4webapi'] },
})
http.on('request', vite.middlewares)
console.log(`Ready: ${origin}/${pages[0]}/`)
console.log(`Beside it: ${pages.slice(1).join(', ')}. Any name is taken for a user. Ctrl+C ends it.`)

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, async () => {
    http.close()
    http.closeAllConnections()
    await Promise.all([vite.close(), provider.close()])
    process.exit()
  })
}
