// What somebody meets who tries the package for the first time: an empty Vite application with TypeScript, the packed
// tarball, and the first screen of the README, type-checked, built, and run in a real Chromium against real servers.
// It takes packages from the npm registry, so it is no part of `npm test`. Needs `npm run build`.
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request as forward } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import { chromiumArgs, resolveChromium } from '../test/support/chromium.mjs'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
if (!existsSync(join(root, 'dist/index.js'))) throw new Error('There is no dist/ to pack: run `npm run build` first.')

const { createApiServer, createAuthServer } = await import(join(root, 'dist/testing/index.js'))
const folder = await mkdtemp(join(tmpdir(), 'first-time-'))
const app = join(folder, 'app')

try {
  await step('npm pack', () => run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root }))
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  await step('an empty Vite application', writeApplication)
  await step('npm install vite typescript', async () => npm('install', '-D', ...(await versions('vite', 'typescript'))))
  const installed = await step('npm install the tarball, and axios', () =>
    npm('install', join(folder, tarball), 'axios'),
  )
  if (/warn/i.test(installed.stderr)) console.log(installed.stderr)
  await step('npx tsc', () => run('npx', ['tsc', '--noEmit'], { cwd: app }))
  const built = await step('npx vite build', () => run('npx', ['vite', 'build'], { cwd: app }))
  if (/warn/i.test(built.stdout + built.stderr)) console.log(built.stdout, built.stderr)
  await step('what was built, in Chromium', () => inBrowser({ folder: join(app, 'dist') }))
  await step('npx vite, in Chromium', inDevelopment)
} catch (error) {
  console.error(error.stdout ?? '', error.stderr ?? '', error)
  process.exitCode = 1
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function step(name, act) {
  const startedAt = performance.now()
  const result = await act()
  console.log(`ok  ${name} ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`)
  return result
}

function npm(...args) {
  return run('npm', [...args, '--no-audit', '--no-fund'], { cwd: app })
}

/** The versions that the repository itself was tried with. */
async function versions(...names) {
  const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  return names.map((name) => `${name}@${devDependencies[name]}`)
}

/** What `npm create vite` makes with the template vanilla-ts, with nothing in it but the README's code. */
async function writeApplication() {
  const code = /```ts\n(.*?)```/s.exec(await readFile(join(root, 'README.md'), 'utf8'))?.[1]
  if (code === undefined) throw new Error('README.md begins with no code')
  // Where the application differs from the README: whose API it is, who signs in, and what is shown.
  const main = `
declare const email: string
declare const password: string
${code.replaceAll("'https://api.example.com'", '`${location.origin}/api`')}
document.body.append(JSON.stringify(data))
Object.assign(window, { tokens, api })
`
  const compilerOptions = {
    target: 'es2023',
    module: 'esnext',
    lib: ['ES2023', 'DOM'],
    types: ['vite/client'],
    skipLibCheck: false,
    moduleResolution: 'bundler',
    allowImportingTsExtensions: true,
    verbatimModuleSyntax: true,
    moduleDetection: 'force',
    noEmit: true,
    strict: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    erasableSyntaxOnly: true,
    noFallthroughCasesInSwitch: true,
  }
  await mkdir(join(app, 'src'), { recursive: true })
  const files = {
    'package.json': JSON.stringify({ name: 'app', private: true, version: '0.0.0', type: 'module' }),
    'tsconfig.json': JSON.stringify({ compilerOptions, include: ['src'] }),
    'index.html': '<!doctype html><title>App</title><body><script type="module" src="/src/main.ts"></script></body>',
    'src/main.ts': main,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(app, name), text)
}

/** What the first hour looks like: no build, and packages that Vite prepares when they are asked for. */
async function inDevelopment() {
  const child = spawn(process.execPath, ['node_modules/vite/bin/vite.js', '--host', 'localhost', '--port', '0'], {
    cwd: app,
    env: { ...process.env, NO_COLOR: '1' },
  })
  try {
    const origin = await new Promise((resolve, reject) => {
      child.stdout.on('data', (text) => {
        const [, found] = /(http:\/\/localhost:\d+)/.exec(String(text)) ?? []
        if (found) resolve(found)
      })
      child.once('exit', (code) => reject(new Error(`vite ended with ${code}`)))
    })
    await inBrowser({ origin })
  } finally {
    child.kill('SIGTERM')
  }
}

async function inBrowser(pages) {
  const auth = await createAuthServer()
  const api = await createApiServer({ auth, path: '/api' })
  const site = await serve(auth, api, pages)
  const { executablePath, env } = await resolveChromium()
  const browser = await chromium.launch({ executablePath, args: chromiumArgs, env: { ...process.env, ...env } })
  try {
    const page = await browser.newPage()
    const problems = []
    page.on('pageerror', (error) => problems.push(error))
    await page.addInitScript(() => Object.assign(globalThis, { email: 'demo@example.com', password: 'demo' }))
    await page.goto(site.url)
    await page.getByText('"item":"Tea"').waitFor()
    auth.revokeAccessTokens()
    const statuses = await page.evaluate(() =>
      Promise.all(Array.from({ length: 10 }, () => globalThis.api.get('/orders').then(({ status }) => status))),
    )
    if (statuses.some((status) => status !== 200)) throw new Error(`ten calls were answered ${statuses.join(', ')}`)
    if (auth.count('refresh', 'rotated') !== 1) throw new Error('ten refused calls caused more than one refresh')
    await page.reload()
    await page.getByText('"item":"Tea"').waitFor()
    if (auth.count('login') !== 1) throw new Error('a reload asked for the password')
    const report = await page.evaluate(() => globalThis.tokens.logout())
    if (report.revoked !== 'confirmed' || auth.liveFamilies().length > 0) throw new Error('the logout left a session')
    if (problems.length > 0) throw problems[0]
  } finally {
    await browser.close()
    await Promise.all([site.close(), auth.close(), api.close()])
  }
}

/** The application at /, the authorization server at /auth, the API at /api. */
async function serve(auth, api, pages) {
  const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }
  const server = createServer(async (request, response) => {
    const behind = request.url.startsWith('/auth/') ? auth : request.url.startsWith('/api/') ? api : pages
    if (behind.origin) {
      const { method, headers } = request
      const onward = forward(new URL(request.url, behind.origin), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers)
        answer.pipe(response)
      })
      request.pipe(onward)
      return
    }
    const name = request.url === '/' ? '/index.html' : request.url
    const body = await readFile(join(pages.folder, name)).catch(() => undefined)
    const head = { 'Content-Type': types[extname(name)] ?? 'text/plain' }
    response.writeHead(body === undefined ? 404 : 200, head).end(body)
  })
  await new Promise((resolve) => server.listen(0, 'localhost', resolve))
  return {
    url: `http://localhost:${server.address().port}/`,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}
