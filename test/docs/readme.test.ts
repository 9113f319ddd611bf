import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import axios from 'axios'
import * as core from 'tokenward'
import * as axiosBinding from 'tokenward/axios'
import * as dpopEntry from 'tokenward/dpop'
import * as fetchBinding from 'tokenward/fetch'
import * as oauth from 'tokenward/oauth'
import * as storage from 'tokenward/storage'
import * as testing from 'tokenward/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { withSizes } from '../../scripts/readme-sizes.mjs'
import { browserPorts } from '../../src/adapters/browser.ts'
import { parseOptions } from '../../src/options.ts'
import { readArguments } from '../../src/testing/cli/arguments.ts'
import { commands as commandLine } from '../../src/testing/cli/commands.ts'
import { startBackend, type Backend } from '../support/backend.ts'
import { createCookieJar } from '../support/cookie-jar.ts'
import { examplesOf, membersOf, namesOf, problemsOf, toFunctionBody, variantsOf } from './compiler.ts'
import { blocksOf, codeIn, readText, root, tableOf, tablesOf, type Block } from './markdown.ts'
import { imports, preamble, screens } from './preamble.ts'

const documents = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'examples/README.md',
  'docs/sources.md',
  'docs/reference.md',
  'docs/tabs.md',
  'docs/platform.md',
  'docs/testing.md',
  'docs/dpop.md',
  'docs/oauth.md',
  'docs/resources.md',
  'docs/scan.md',
  'docs/scan-figures.md',
  'docs/export.md',
]
/** Tested as a whole, by test/docs/guide.test.ts; its links with those of the others. */
const guideForNewcomers = 'docs/guide.md'
/** Those whose snippets an application could copy: they compile and run. */
const guides = ['README.md', 'docs/sources.md', 'docs/reference.md']
const readme = readText('README.md')
const manifest = JSON.parse(readText('package.json')) as {
  readonly scripts: Record<string, string>
  readonly exports: Record<string, unknown>
  readonly bin: Record<string, string>
  readonly dependencies: Record<string, string>
}
const snippets = guides.flatMap((path) => blocksOf(path, 'ts'))
const [main, ...others] = snippets as [Block, ...Block[]]

describe('the code of the documents', () => {
  test('every snippet of the guides compiles, each by itself', { timeout: 180_000 }, () => {
    const modules = snippets.map(({ at, code }) => [`test/docs/${at.replace(/\W/g, '-')}.ts`, code] as const)
    const strict = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, verbatimModuleSyntax: true }
    expect(problemsOf({ 'test/docs/app.ts': preamble, ...Object.fromEntries(modules) }, strict)).toEqual([])
  })

  test('every example in a comment of src compiles, with the imports that it leaves out', { timeout: 180_000 }, () => {
    const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.ts$/.test(name),
    )
    const modules = sources.flatMap((path) =>
      examplesOf(`src/${path}`).map((code, index) => [
        `test/docs/${path.replace(/\W/g, '-')}-${index}.ts`,
        imports + code,
      ]),
    )
    expect(modules.length).toBeGreaterThan(5)
    expect(
      problemsOf({ 'test/docs/app.ts': preamble, ...(Object.fromEntries(modules) as Record<string, string>) }),
    ).toEqual([])
  })
})

describe('the snippets of the guides run', () => {
  let backend: Backend | undefined
  afterEach(async () => {
    vi.unstubAllGlobals()
    await backend?.close()
  })

  const credentials = { email: 'demo@example.com', password: 'demo' }
  const packages: Record<string, unknown> = {
    axios: { default: axios, __esModule: true },
    tokenward: core,
    'tokenward/axios': axiosBinding,
    'tokenward/fetch': fetchBinding,
    'tokenward/oauth': oauth,
    'tokenward/dpop': dpopEntry,
    'tokenward/storage': storage,
    'tokenward/testing': testing,
  }

  /** Runs `code` against real servers: its URLs become theirs, and the names of the preamble are there. */
  async function run({ code }: Block, names: Record<string, unknown>, result = ''): Promise<unknown> {
    const { auth, api } = backend!
    const here = code
      .replaceAll('https://api.example.com', api.origin)
      .replaceAll('https://id.example.com/', `${auth.origin}/json/`)
      .replaceAll("'/auth/", `'${auth.origin}/auth/`)
      .replaceAll("'/session/", `'${auth.origin}/json/`)
    const given = {
      ...Object.fromEntries(screens.map((name) => [name, () => undefined])),
      ...credentials,
      ...names,
      exports: {},
      require: (name: string) => packages[name],
    }
    const AsyncFunction = (async () => {}).constructor as new (...source: string[]) => (...all: unknown[]) => unknown
    // In a block, where a snippet may declare what it is given anew.
    const body = `{ ${toFunctionBody(`${here}\n${result && `export const result = ${result}`}`)} }\nreturn exports.result ?? exports.default`
    return new AsyncFunction(...Object.keys(given), body)(...Object.values(given))
  }

  async function begin(): Promise<Backend> {
    // The jar itself goes through the global, and marks what it has seen.
    const platformFetch = globalThis.fetch
    const jar = createCookieJar()
    vi.stubGlobal('fetch', (input: string | URL | Request, init?: RequestInit) =>
      new Headers(init?.headers).has('x-test-call') ? platformFetch(input, init) : jar.fetch(input, init),
    )
    backend = await startBackend({ auth: { accessTokenMs: 300_000 } })
    return backend
  }

  test('the first screen signs in, calls the API, survives a refused token, and logs out', async () => {
    const { auth, api: server } = await begin()
    const ran = await run(main, {}, '{ tokens, api, data }')
    const { tokens, api, data } = ran as { tokens: core.TokenManager; api: typeof axios; data: unknown }
    expect(data).toEqual({ orders: expect.any(Array) as unknown })
    expect(tokens.getState()).toMatchObject({ status: 'active', signedIn: true })

    auth.revokeAccessTokens()
    const answers = await Promise.all([api.get('/orders'), api.get('/me'), api.get('/orders')])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(auth.count('refresh', 'rotated')).toBe(1)
    expect(server.log.filter(({ status }) => status === 401)).toHaveLength(3)

    expect(await tokens.logout()).toEqual({ revoked: 'confirmed' })
    expect(auth.liveFamilies()).toEqual([])
  })

  test('Vite is told where the servers of the test kit are', async () => {
    const started: { close(): Promise<void> }[] = []
    const watched =
      <Given extends unknown[], Server extends { close(): Promise<void> }>(
        create: (...given: Given) => Promise<Server>,
      ) =>
      async (...given: Given): Promise<Server> => {
        const server = await create(...given)
        started.push(server)
        return server
      }
    packages['vite'] = { defineConfig: (config: unknown) => config }
    packages['tokenward/testing'] = {
      createAuthServer: watched(testing.createAuthServer),
      createApiServer: watched(testing.createApiServer),
    }
    try {
      await begin()
      const config = others.find(({ code }) => code.includes("from 'vite'"))
      const { server } = (await run(config!, {})) as { server: { proxy: Record<'/auth' | '/api', string> } }
      const { auth, api } = { auth: server.proxy['/auth'], api: server.proxy['/api'] }
      const tokens = core.createTokenManager({
        source: core.cookieSource<typeof credentials>({ login: `${auth}/auth/login`, refresh: `${auth}/auth/refresh` }),
        resources: [`${api}/api`],
      })
      await tokens.login(credentials)
      const answer = await fetchBinding.createFetch(tokens)(`${api}/api/orders`)
      expect(answer.status).toBe(200)
      tokens.dispose()
    } finally {
      packages['tokenward/testing'] = testing
      await Promise.all(started.map((server) => server.close()))
    }
  })

  const runnable = others.filter(({ code }) => !/from '(react|vite)'/.test(code))
  test.each(runnable)('$heading ($at)', async (snippet) => {
    const { api: server, endpoints } = await begin()
    const tokens = core.createTokenManager({
      source: core.cookieSource<typeof credentials>(endpoints('auth')),
      resources: [server.origin],
    })
    await tokens.login(credentials)
    const api = axios.create({ baseURL: server.origin })
    const unbind = axiosBinding.bindAxios(api, tokens)
    await run(snippet, { tokens, api })
    unbind()
    tokens.dispose()
    expect(server.log.filter(({ status }) => status === 401 || status === 404)).toEqual([])
  })
})

describe('the commands of the documents exist', () => {
  const commands = documents
    .flatMap((path) => blocksOf(path, 'sh'))
    .flatMap(({ at, code }) =>
      code
        .replaceAll('\\\n', ' ')
        .split('\n')
        .map((line) => ({ at, line })),
    )
    .flatMap(({ at, line }) =>
      line
        .replace(/ #.*/, '')
        .split(' && ')
        .map((command) => ({ at, command: command.trim() })),
    )
    .filter(({ command }) => command !== '')

  test.each(commands)('$command ($at)', ({ command }) => {
    const [program = '', first = '', second = ''] = command.replace(/^(\w+=\S+ )+/, '').split(' ')
    if (program === 'npm' && first === 'run') expect(Object.keys(manifest.scripts)).toContain(second)
    else if (program === 'npm' && /^(start|test)$/.test(first)) expect(Object.keys(manifest.scripts)).toContain(first)
    else if (program === 'npm') expect(first).toMatch(/^(ci|cit|pack)$/)
    else if (program === 'curl') expect(command).toMatch(/ http:\/\/localhost:/)
    else if (program === 'npx' && first === 'tokenward') {
      const own = commandLine.find(({ name }) => name === second)
      expect(own).toBeDefined()
      const [, , , ...args] = command.split(' ')
      expect(() => readArguments(own!, args)).not.toThrow()
    } else if (program === 'npx') expect(existsSync(`${root}node_modules/.bin/${first}`)).toBe(true)
    else expect(existsSync(root + (program === 'node' ? first : program))).toBe(true)
  })
})

describe('the facts of the documents', () => {
  test('the sizes of the README are those of etc/size.json, and there are no others', () => {
    const sizes = JSON.parse(readText('etc/size.json')) as Record<string, number>
    expect(withSizes(readme, sizes)).toBe(readme)
    // What the benchmark has measured stands between its own markers.
    const elsewhere = readme.replaceAll(/<!-- (sizes|bench) -->.*?<!-- \/\1 -->/gs, '')
    expect(/\d[\d.,_ ]*(\*\*)? ?(bytes|[kM]i?B)\b/.exec(elsewhere)).toBeNull()
  })

  test.each([...documents, guideForNewcomers])('what %s links to exists', (path) => {
    for (const [, file = '', anchor] of readText(path).matchAll(/\]\((?!https:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
      const target = file === '' ? path : `${dirname(path)}/${file}`
      expect(existsSync(root + target), target).toBe(true)
      if (anchor === undefined) continue
      const anchors = [...readText(target).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replace(/[^\w\- ]/g, '')
          .replaceAll(' ', '-'),
      )
      expect(anchors).toContain(anchor)
    }
  })

  test('the README names every entry and all that it exports', () => {
    const rows = tableOf('README.md', 'entry').map(([entry, holds]) => [codeIn(entry)[0], codeIn(holds).sort()])
    expect(rows).toEqual(
      Object.entries({
        tokenward: core,
        'tokenward/axios': axiosBinding,
        'tokenward/fetch': fetchBinding,
        'tokenward/oauth': oauth,
        'tokenward/dpop': dpopEntry,
        'tokenward/storage': storage,
        'tokenward/testing': {},
      }).map(([entry, values]) => [entry, Object.keys(values).sort()]),
    )
    const entries = Object.keys(manifest.exports).filter((path) => path !== './package.json')
    expect(rows.map(([entry]) => entry)).toEqual(entries.map((path) => path.replace('.', 'tokenward')))
  })

  test('the guide of the test kit names all that its entry exports', () => {
    const rows = tablesOf('docs/testing.md', 'export')
      .flat()
      .map(([name]) => codeIn(name)[0])
    expect(rows.sort()).toEqual(Object.keys(testing).sort())
  })

  test('every threat that is met or lessened names the test or the document that shows it', () => {
    const rows = tableOf('SECURITY.md', 'threat', 'verdict')
    expect(rows.length).toBeGreaterThan(20)
    const unproven = rows.filter(([, verdict = '', , shown = '']) => {
      if (verdict.startsWith('met')) return !shown.includes('](test/')
      return verdict === 'lessened' && !shown.includes('](')
    })
    expect(unproven.map(([threat]) => threat)).toEqual([])
  })

  test('the map of CONTRIBUTING has every folder of src', () => {
    const places = tableOf('CONTRIBUTING.md', 'folder').flatMap(([folder]) => codeIn(folder))
    const folders = readdirSync(`${root}src`, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    for (const { name } of folders) expect(places, name).toContain(`src/${name}/`)
  })

  test('the README is short enough to be read', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(300)
  })

  test('every guide is linked from the README, and every example from their list', () => {
    const linked = (path: string): string[] => [...readText(path).matchAll(/\]\(([^)#]+)/g)].map(([, to]) => to ?? '')
    const guidesThere = readdirSync(`${root}docs`).filter((name) => name.endsWith('.md'))
    const mentioned = ['README.md', 'CONTRIBUTING.md', ...guidesThere.map((name) => `docs/${name}`)].flatMap(linked)
    for (const name of guidesThere) expect(mentioned.map((to) => to.replace('docs/', ''))).toContain(name)
    const numbered = readdirSync(`${root}examples`).filter((name) => /^\d/.test(name))
    for (const name of numbered) expect(linked('examples/README.md')).toContain(`${name}/README.md`)
  })

  test('the README names every dependency', () => {
    for (const name of Object.keys(manifest.dependencies)) expect(readme).toContain(`\`${name}\``)
  })

  /** What the tables of the reference list in their first column, and where src says what there is. */
  const tables: readonly (readonly [what: string, head: readonly string[], names: readonly string[]])[] = [
    ['error code', ['code', 'meaning'], namesOf('src/errors.ts', 'TokenErrorCode')],
    ['event', ['event', 'payload'], namesOf('src/session/events.ts', 'TokenEvents')],
    ['alert rule', ['alert `rule`'], variantsOf('src/session/events.ts', 'Alert', 'rule')],
    ['reason to withhold', ['withheld `why`'], namesOf('src/session/events.ts', 'WithholdReason')],
    ['end reason', ['`reason`'], namesOf('src/session/state.ts', 'EndReason')],
    ['status', ['`status`'], variantsOf('src/session/snapshot.ts', 'SessionState', 'status')],
    ['outcome of a logout', ['`revoked`'], namesOf('src/flow/sign-out.ts', 'Revoked')],
    ['timing option', ['`timing` option'], namesOf('src/options.ts', 'TimingOptions')],
    ['option of a request', ['`tokens`'], ['false', ...namesOf('src/axios/config.ts', 'RequestTokens')]],
    [
      'option of the sources',
      ['option', 'meaning'],
      [
        ...namesOf('src/sources/call.ts', 'SourceOptions'),
        ...namesOf('src/sources/cookie.ts', 'CookieSourceOptions'),
        ...namesOf('src/sources/json.ts', 'JsonSourceOptions'),
      ],
    ],
  ]
  test.each(tables)('the reference, or the guide of the sources, lists every %s', (what, head, names) => {
    const path = what.endsWith('of the sources') ? 'docs/sources.md' : 'docs/reference.md'
    const listed = tableOf(path, ...head).map(([cell]) => codeIn(cell)[0])
    expect(listed.sort()).toEqual([...names].sort())
  })

  test('the reference lists every option of the manager', () => {
    const reference = readText('docs/reference.md')
    const section = reference.slice(reference.indexOf('## Options of the manager'))
    const listed = [...section.slice(0, section.indexOf('A wrong option')).matchAll(/^\| `(\w+)`/gm)].map(
      ([, name]) => name,
    )
    expect(listed.sort()).toEqual(namesOf('src/options.ts', 'TokenManagerOptions').sort())
  })

  test('the reference lists the payload of every event', () => {
    for (const [event, payload] of tableOf('docs/reference.md', 'event', 'payload')) {
      const [name = ''] = codeIn(event)
      if (name !== 'alert') expect(codeIn(payload)).toEqual(membersOf('src/session/events.ts', 'TokenEvents', name))
    }
  })

  test('the reference lists the true defaults of the timing options', () => {
    const source = core.jsonSource({ refresh: '/session/refresh' })
    const { limits, ...settings } = parseOptions({ source }, browserPorts)
    const defaults: Record<string, unknown> = { ...limits, ...settings }
    for (const [option, value = ''] of tableOf('docs/reference.md', '`timing` option', 'default')) {
      const text = value.replace(/[`_]/g, '')
      expect(String(defaults[codeIn(option)[0] ?? '']), option).toBe(text === 'never' ? 'Infinity' : text)
    }
  })
})
