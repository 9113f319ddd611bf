import { appendFile, readFile } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { toKeploy } from '../export/keploy.ts'
import type { SecretKind } from '../har/format.ts'
import { fingerprintOf } from '../scan/fingerprint.ts'
import { readJwt } from '../scan/jwt-parts.ts'
import { type Arguments, type Command, type ExitCode, type Io, UsageError } from './command.ts'
import { inputsOf, readJson, writeWhole } from './files.ts'
import { loadLogin } from './login-module.ts'
import { told } from './outputs.ts'
import { readRecording } from './recordings.ts'

const FORMATS = ['env', 'yaml', 'postman'] as const

export const tokenCommand: Command = {
  name: 'token',
  summary: 'Get a fresh token by your own login, and hand it to another program; or read what a token says',
  usage: '--login <module> [--ref <id>... | --for <file.har>] --write <file>  |  --inspect [<file>|-]',
  details: [
    'The module exports a function, as default: it is told the principal (p1) and gives an access token, or a token response with access_token and refresh_token.',
    'The file is written for its owner only (mode 0600) and listed in the .gitignore beside it. Without --write the token goes to standard output, which must not be a terminal: what stands there stays in the scrollback.',
    '--inspect never prints the token: it prints its header, its claims, its times in words and its fingerprint. The signature is not verified.',
  ],
  options: {
    login: { type: 'string', value: '<module>', help: 'a JavaScript module that logs in' },
    ref: {
      type: 'string',
      multiple: true,
      value: '<id>',
      help: 'the placeholders to fill: access_p1_1 (the default), refresh_p1_1. May be repeated',
    },
    for: { type: 'string', value: '<file.har>', help: 'all placeholders that the requests of a recording need' },
    secrets: { type: 'string', value: '<file.json>', help: 'with --for: passwords and the like, by their id' },
    write: { type: 'string', short: 'w', value: '<file>', help: 'where to' },
    format: { type: 'string', choices: FORMATS, help: 'how: by the ending of the file, else env' },
    inspect: { type: 'boolean', help: 'read a token, from a file or standard input' },
  },
  examples: [
    [
      'tokenward token --login ./login.mjs --for orders.har --write keploy/orders/secret.yaml',
      'everything that the test cases of Keploy need',
    ],
    [
      'tokenward token --login ./login.mjs --ref access_p1_1 --ref access_p2_1 --write .env.tokens',
      'the tokens of two users, as variables',
    ],
    ['pbpaste | tokenward token --inspect -', 'what does the token in the clipboard say?'],
  ],
  takesFiles: true,
  run: async (args, io) => (args.has('inspect') ? inspect(args, io) : hand(args, io)),
}

async function inspect({ positionals: [path = '-'] }: Arguments, io: Io): Promise<ExitCode> {
  const [input] = await inputsOf([path], io)
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of input?.open() ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > 100_000) throw new UsageError('that is more than a token.')
  }
  const token = text.trim().replace(/^(?:authorization:\s*)?(?:bearer|dpop)\s+/i, '')
  if (token === '') throw new UsageError('there is no token to inspect.')
  const jwt = readJwt(token)
  const said =
    jwt === undefined
      ? { format: 'opaque', length: token.length }
      : {
          format: jwt.claims ? 'JWT' : 'encrypted JWT',
          header: jwt.header,
          claims: jwt.claims,
          times: timesOf(jwt.claims ?? {}, io.now()),
        }
  await io.stdout.write(`${JSON.stringify({ fingerprint: fingerprintOf(token, 'access'), ...said }, null, 2)}\n`)
  return 0
}

/** The instants of a JWT, in words. */
function timesOf(claims: Readonly<Record<string, unknown>>, now: number): Record<string, string> {
  return Object.fromEntries(
    ['iat', 'nbf', 'exp'].flatMap((name) => {
      const value = claims[name]
      if (typeof value !== 'number' || !Number.isFinite(new Date(value * 1_000).getTime())) return []
      const seconds = Math.round(value - now / 1_000)
      const relative = seconds >= 0 ? `in ${String(seconds)} s` : `${String(-seconds)} s ago`
      return [[name, `${new Date(value * 1_000).toISOString()} (${relative})`]]
    }),
  )
}

async function hand(args: Arguments, io: Io): Promise<ExitCode> {
  const module = args.get('login')
  if (module === undefined)
    throw new UsageError('tell how to log in (--login ./login.mjs), or what to read (--inspect).')
  const path = args.get('write')
  if (path === undefined && io.stdout.isTerminal) {
    throw new UsageError('a token is not written to a terminal. Use --write <file>, or pipe it to where it is needed.')
  }
  const { refs, secrets } = await wantedOf(args, io)
  const login = await loadLogin(module)
  const tokens = new Map<string, string>(secrets)
  for (const [principal, ids] of groupByPrincipal(refs)) {
    const response = await ask(login, principal)
    for (const id of ids) tokens.set(id, tokenFor(id, response))
  }
  const format = (args.get('format') ?? formatOf(path)) as (typeof FORMATS)[number]
  const text = written(tokens, format)
  if (path === undefined) await io.stdout.write(text)
  else {
    await writeWhole(path, [text], 0o600)
    await ignore(path)
    await io.stderr.write(
      `${[...tokens].map(([id, token]) => `${id} ${fingerprintOf(token, kindOf(id))}`).join(', ')} written to ${path}\n`,
    )
  }
  return 0
}

interface Wanted {
  /** What the login has to give. */
  readonly refs: readonly string[]
  /** What is known. */
  readonly secrets: readonly (readonly [string, string])[]
}

/** @throws UsageError Something is needed that no login gives, and that nobody has: Keploy would send an empty text. */
async function wantedOf(args: Arguments, io: Io): Promise<Wanted> {
  const path = args.get('for')
  const named = args.all('ref')
  if (path === undefined) return { refs: named.length === 0 ? ['access_p1_1'] : named, secrets: [] }
  const har = await readRecording(path, io)
  const needed = told(path, () => toKeploy(har).secrets)
  const file = args.get('secrets')
  const given = new Map(Object.entries(file === undefined ? {} : ((await readJson(file)) as object)))
  const secrets = needed.flatMap((id) => {
    const value: unknown = given.get(id)
    return typeof value === 'string' ? [[id, value] as const] : []
  })
  const refs = needed.filter((id) => !given.has(id))
  const missing = refs.filter((id) => !/^(?:access|refresh|id)_/.test(id))
  if (missing.length > 0) throw new UsageError(`no login gives ${missing.join(', ')}: give it in --secrets.`)
  return { refs: [...new Set([...refs, ...named])], secrets }
}

interface Tokens {
  readonly access?: string
  readonly refresh?: string
  readonly id?: string
}

async function ask(login: (principal: string) => Promise<unknown>, principal: string): Promise<Tokens> {
  const answer = await login(principal)
  if (typeof answer === 'string') return { access: answer }
  const { access_token: access, refresh_token: refresh, id_token: id } = Object(answer) as Record<string, unknown>
  return Object.fromEntries(Object.entries({ access, refresh, id }).filter(([, value]) => typeof value === 'string'))
}

function groupByPrincipal(refs: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const ref of refs) {
    const principal = /^[a-z]+_(p\d+)_\d+$/.exec(ref)?.[1]
    if (principal === undefined) throw new UsageError(`--ref ${ref} is no placeholder's id. Write it as access_p1_1.`)
    groups.set(principal, [...(groups.get(principal) ?? []), ref])
  }
  return groups
}

const kindOf = (id: string): SecretKind => id.slice(0, id.indexOf('_')) as SecretKind

function tokenFor(id: string, tokens: Tokens): string {
  const kind = kindOf(id)
  const token = tokens[kind as keyof Tokens]
  if (token === undefined) throw new UsageError(`the login gave no ${kind} token for ${id}.`)
  if (!/^[\x21-\x7E]+$/.test(token))
    throw new UsageError(`the ${kind} token for ${id} has letters that no header may have.`)
  return token
}

const formatOf = (path = ''): (typeof FORMATS)[number] => {
  if (/^\.ya?ml$/i.test(extname(path))) return 'yaml'
  return extname(path).toLowerCase() === '.json' ? 'postman' : 'env'
}

function written(tokens: ReadonlyMap<string, string>, format: (typeof FORMATS)[number]): string {
  const pairs = [...tokens]
  switch (format) {
    case 'env':
      // Within single quotes a shell takes everything as it is, but for the quote.
      return pairs.map(([id, token]) => `TOKEN_${id.toUpperCase()}='${token.replaceAll("'", `'\\''`)}'\n`).join('')
    case 'yaml':
      return pairs.map(([id, token]) => `${id}: ${JSON.stringify(token)}\n`).join('')
    case 'postman': {
      const values = pairs.map(([key, value]) => ({ key, value, type: 'secret', enabled: true }))
      return `${JSON.stringify({ name: 'tokens', values, _postman_variable_scope: 'environment' }, null, 2)}\n`
    }
  }
}

/** Nobody means to commit a token. */
async function ignore(path: string): Promise<void> {
  const file = join(dirname(resolve(path)), '.gitignore')
  const line = `/${basename(path)}`
  const before = await readFile(file, 'utf8').catch(() => '')
  if (before.split(/\r?\n/).includes(line)) return
  await appendFile(file, `${before === '' || before.endsWith('\n') ? '' : '\n'}${line}\n`)
}
