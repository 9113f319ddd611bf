import { execFile } from 'node:child_process'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createGunzip } from 'node:zlib'
import { chromium } from 'playwright-core'
// @ts-expect-error It has no types.
import tar from 'tar-fs'
import { build } from 'vite'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { chromiumArgs } from '../support/chromium.mjs'
import { startSite } from '../support/site.ts'

// What an application does with the package that npm would publish: type-check, build, run.

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
let folder: string

const main = `
import axios from 'axios'
import { cookieSource, createTokenManager, tokenErrorOf, type SessionState, type TokenManager } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { createFetch } from 'tokenward/fetch'

interface Credentials {
  readonly email: string
  readonly password: string
}

const tokens: TokenManager<Credentials> = createTokenManager({
  source: cookieSource<Credentials>({ login: '/auth/login', refresh: '/auth/refresh', logout: '/auth/logout' }),
  resources: [new URL('/api/', location.href).href],
})
const api = axios.create({ baseURL: '/api' })
bindAxios(api, tokens, { refused: ({ status }) => status === 419 })
const request: typeof fetch = createFetch(tokens)

// @ts-expect-error The options are typed.
void (() => api.get('/me', { tokens: { requird: true } }))
// @ts-expect-error So are the credentials.
void (() => tokens.login({ email: 1 }))

const show = (text: string): void => void (document.title = text)
tokens.subscribe((state: SessionState) => show(state.status))
tokens.on('refreshed', ({ trigger }) => document.body.append(\`refreshed: \${trigger}\`))

Object.assign(window, {
  signIn: () => tokens.login({ email: 'demo@example.com', password: 'demo' }),
  call: async () => {
    try {
      const { data } = await api.get<{ email: string }>('/me', { tokens: { required: true } })
      const response = await request('/api/me', { tokens: { minTtlMs: 1 } })
      return [data.email, response.status]
    } catch (error) {
      return [tokenErrorOf(error)?.code]
    }
  },
  signOut: () => tokens.logout(),
})
await tokens.restore()
`

beforeAll(async () => {
  if (!existsSync(join(root, 'dist/index.js')) || !existsSync(join(root, 'dist/index.d.ts'))) {
    throw new Error('There is no dist/ to pack: run `npm run build` first.')
  }
  folder = await mkdtemp(join(tmpdir(), 'tokenward-packed-'))
  const modules = join(folder, 'node_modules')
  await mkdir(modules)
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root })
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  await pipeline(
    createReadStream(join(folder, tarball ?? '')),
    createGunzip(),
    tar.extract(join(modules, 'tokenward'), { strip: 1 }),
  )
  for (const name of ['axios', 'axios-1-8', 'idb-keyval', 'oauth4webapi'])
    await symlink(join(root, 'node_modules', name), join(modules, name))

  const compilerOptions = {
    target: 'es2022',
    lib: ['es2022', 'dom', 'dom.iterable'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    // Ours and those of axios are checked; the platform's own are TypeScript's business.
    skipLibCheck: false,
    skipDefaultLibCheck: true,
    noEmit: true,
    types: [],
  }
  const files: Record<string, unknown> = {
    'package.json': { name: 'application', private: true, type: 'module' },
    'tsconfig.bundler.json': {
      compilerOptions: { ...compilerOptions, module: 'esnext', moduleResolution: 'bundler' },
      include: ['main.ts'],
    },
    'tsconfig.bundler with axios 1.8.json': {
      compilerOptions: {
        ...compilerOptions,
        module: 'esnext',
        moduleResolution: 'bundler',
        paths: { axios: ['./node_modules/axios-1-8'] },
      },
      include: ['main.ts'],
    },
    'tsconfig.nodenext.json': {
      compilerOptions: { ...compilerOptions, module: 'nodenext', moduleResolution: 'nodenext' },
      include: ['main.ts'],
    },
    'main.ts': main,
    'index.html': '<!doctype html><title>…</title><body><script type="module" src="/main.ts"></script></body>',
  }
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
}, 30_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

const kinds = ['bundler', 'bundler with axios 1.8', 'nodenext']
test.concurrent.each(kinds)('an application type-checks under moduleResolution %s', async (kind) => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const found = await run(process.execPath, [tsc, '-p', `tsconfig.${kind}.json`], { cwd: folder }).catch(
    // With `code` and `message`: a compiler that does not even start prints nothing to stdout.
    (error: unknown) => error,
  )
  expect(found).toEqual({ stdout: '', stderr: '' })
})

test('an application built by Vite signs in, calls, has its token refreshed, finds its session again, and signs out', async () => {
  const outDir = join(folder, 'dist')
  await build({ root: folder, configFile: false, logLevel: 'error', build: { target: 'es2022', outDir } })
  const { executablePath, env } = inject('chromium')
  const [site, browser] = await Promise.all([
    startSite({ folder: outDir }),
    chromium.launch({ executablePath, args: chromiumArgs, env: { ...process.env, ...env } }),
  ])
  try {
    const page = await browser.newPage()
    const problems: unknown[] = []
    page.on('pageerror', (error) => problems.push(error))
    await page.goto(site.url)
    await page.evaluate('signIn()')
    expect(await page.title()).toBe('active')
    expect(await page.evaluate('call()')).toEqual(['demo@example.com', 200])
    site.auth.revokeAccessTokens()
    expect(await page.evaluate('call()')).toEqual(['demo@example.com', 200])
    await page.getByText('refreshed: refused').waitFor()
    expect(site.auth.count('refresh', 'rotated')).toBe(1)
    await page.reload()
    await page.waitForFunction(() => document.title === 'active')
    expect(await page.evaluate('call()')).toEqual(['demo@example.com', 200])
    expect(await page.evaluate('signOut()')).toEqual({ revoked: 'confirmed' })
    expect(await page.evaluate('call()')).toEqual(['signed_out'])
    expect(problems).toEqual([])
  } finally {
    await browser.close()
    await site.close()
  }
})
