// `npm start`: an authorization server, an API and the pages of the examples, each on loopback. To the browser they are
// one origin, as behind the reverse proxy of a real site: this page at /01-axios/, the authorization server at /auth and
// /json, the API at /api.
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createServer as createVite, runnerImport } from 'vite'
import { startElsewhere } from './elsewhere.mjs'
import { createSituations } from './situations.mjs'
import { passSlowly } from './slowly.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const load = async (path) => (await runnerImport(here(path), { configFile: false, logLevel: 'error' })).module

const { createApiServer, createAuthServer, createControlServer, fault } = await load('../../src/testing/index.ts')

const accessTokenMs = Number(process.env.ACCESS_TOKEN_MS ?? 15_000)
const auth = await createAuthServer({ accessTokenMs })
const api = await createApiServer({ auth, path: '/api' })
// `POST /control/fault` and the like: what can go wrong goes wrong when somebody says so.
const control = await createControlServer({ auth, api })
const elsewhere = await startElsewhere()
// The switches of the page.
const handleDemo = createSituations({ auth, api, elsewhere, fault })

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // The page, what it is told about saved files, and one origin that has no business with the token.
  `connect-src 'self' ws: ${elsewhere.origin}`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** As a reverse proxy: the page's `Host`, and a connection that breaks is a connection that breaks. */
function behind({ origin }) {
  const configure = (proxy) => proxy.on('error', (_error, _request, response) => response.destroy())
  return { target: origin, changeOrigin: false, configure }
}

const http = createServer()
const vite = await createVite({
  configFile: false,
  root: here('..'),
  logLevel: 'warn',
  // Our own HTTP server: it can take any free port, and the signals stay ours.
  appType: 'mpa',
  server: {
    middlewareMode: true,
    // A test's page must not reload because somebody saves a file.
    watch: process.env.CI === undefined ? {} : null,
    hmr: { server: http },
    headers: { 'Content-Security-Policy': policy, 'Referrer-Policy': 'no-referrer' },
    proxy: {
      '/auth/': behind(auth),
      '/json/': behind(auth),
      '/api/': behind(api),
      '/control': behind(control),
    },
  },
  // In an application these come from node_modules.
  resolve: {
    alias: [
      { find: /^tokenward$/, replacement: here('../../src/index.ts') },
      { find: /^tokenward\/(axios|fetch|storage)$/, replacement: here('../../src/$1/index.ts') },
    ],
  },
  optimizeDeps: { noDiscovery: true, include: ['axios', 'idb-keyval'] },
})
/** Where somebody lands who types less than the whole path. */
function wholePath(url) {
  if (url === '/') return '/01-axios/'
  return /^\/\d\d-[\w-]+$/.test(url) ? `${url}/` : undefined
}

http.on('request', (request, response) => {
  const whole = wholePath(request.url)
  if (whole !== undefined) response.writeHead(302, { Location: whole }).end()
  else if (request.url.startsWith('/demo/')) void handleDemo(request, response)
  else if (request.url.startsWith('/api/upload')) void passSlowly(request, response, api.origin)
  else vite.middlewares(request, response)
})

http.listen(Number(process.env.PORT ?? 0), 'localhost', () => {
  console.log(`Ready: http://localhost:${http.address().port}/01-axios/`)
  console.log('Sign in as demo@example.com with the password demo. Ctrl+C ends it.')
})
http.on('error', async (error) => {
  console.error(error.message)
  process.exitCode = 1
  await stop()
})

let stopping
function stop() {
  stopping ??= (async () => {
    http.close()
    http.closeAllConnections()
    await Promise.all([vite, auth, api, control, elsewhere].map((server) => server.close()))
  })()
  return stopping
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, async () => {
    await stop()
    process.exit()
  })
}
