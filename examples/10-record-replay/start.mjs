// node examples/10-record-replay/start.mjs: an authorization server, an API and the page that records, as one origin.
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createServer as createVite, runnerImport } from 'vite'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const { module } = await runnerImport(here('../../src/testing/index.ts'), { configFile: false, logLevel: 'error' })

// Tokens that are dead in no time: the longer a recording lies around, the more this is so.
const accessTokenMs = Number(process.env.ACCESS_TOKEN_MS ?? 5_000)
const auth = await module.createAuthServer({ accessTokenMs, refreshTokenMs: 60_000 })
const api = await module.createApiServer({ auth, path: '/api' })

const http = createServer()
const vite = await createVite({
  configFile: false,
  root: here('.'),
  logLevel: 'warn',
  appType: 'spa',
  server: {
    middlewareMode: true,
    watch: process.env.CI === undefined ? {} : null,
    hmr: { server: http },
    proxy: { '/auth/': auth.origin, '/api/': api.origin },
  },
  resolve: {
    alias: [
      { find: /^tokenward$/, replacement: here('../../src/index.ts') },
      { find: /^tokenward\/(axios|testing)$/, replacement: here('../../src/$1/index.ts') },
    ],
  },
  optimizeDeps: { include: ['axios', 'idb-keyval'] },
})
http.on('request', vite.middlewares)
http.listen(Number(process.env.PORT ?? 0), 'localhost', () => {
  console.log(`Ready: http://localhost:${http.address().port}`)
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, async () => {
    http.close()
    http.closeAllConnections()
    await Promise.all([vite.close(), auth.close(), api.close()])
    process.exit()
  })
}
