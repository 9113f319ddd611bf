import { RecordingError } from '../errors.ts'
import type { Har } from '../har/format.ts'
import { authMatrix } from '../matrix/matrix.ts'
import { mint, type SigningAlgorithm } from '../replay/mint.ts'
import { firstOf, fromEnv, fromLogin, type LoginResult, type TokenProvider } from '../replay/providers.ts'
import { replay } from '../replay/replay.ts'
import type { BaseUrl } from '../replay/request.ts'
import { type Arguments, type Command, type ExitCode, type Io, UsageError } from './command.ts'
import { readJson, writeWhole } from './files.ts'
import { loadLogin } from './login-module.ts'
import { withRecording } from './recordings.ts'
import { matrixToJUnit, replayToJUnit } from './replay-junit.ts'

const ALGORITHMS = ['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA', 'HS256', 'HS384', 'HS512'] as const

export const replayCommand: Command = {
  name: 'replay',
  summary: 'Replay a recording with fresh tokens, and say what differs',
  usage: '[options] <file.har|->',
  details: [
    'Tokens come from a login (--login), are minted (--mint), or come from the environment: TOKEN_ACCESS_P1_1 for {{access_p1_1}}. Logins, refreshes and logouts of the recording are replayed in their order, with the tokens that are given now.',
    '--matrix sends each request that was accepted with every wrong token instead: none, expired, for another audience, tampered, of another user, after logout, and expects 401 or 403.',
  ],
  takesFiles: true,
  options: {
    'base-url': {
      type: 'string',
      short: 'u',
      multiple: true,
      value: '<url>',
      help: 'where the API is now (default: where it was); of several servers one each: <recorded origin>=<url>',
    },
    login: { type: 'string', value: '<module>', help: 'a JavaScript module whose default export signs a principal in' },
    mint: { type: 'string', value: '<jwk.json>', help: 'mint tokens with this private key' },
    alg: { type: 'string', choices: ALGORITHMS, help: 'how they are signed (default: ES256)' },
    iss: { type: 'string', value: '<url>', help: 'their issuer' },
    secrets: { type: 'string', value: '<file.json>', help: 'passwords and the like, by the id of their placeholder' },
    matrix: { type: 'boolean', help: 'send wrong tokens, and expect 401 or 403' },
    unsafe: { type: 'boolean', help: 'with --matrix: also requests that change something' },
    'bare-401': { type: 'boolean', help: 'with --matrix: a 401 may come without WWW-Authenticate' },
    body: { type: 'string', choices: ['schema', 'exact', 'ignore'], help: 'how bodies are compared (default: schema)' },
    noise: {
      type: 'string',
      multiple: true,
      value: '<path>',
      help: 'what may differ: body.orders.*.at. May be repeated',
    },
    'on-expired': {
      type: 'string',
      choices: ['renew', 'fail'],
      help: 'when a token is refused that was not (default: renew)',
    },
    junit: { type: 'string', value: '<file>', help: 'write a JUnit report there as well' },
  },
  examples: [
    [
      'tokenward replay app.har --base-url http://localhost:3000 --login ./login.mjs',
      'against an API, with your own login',
    ],
    [
      'tokenward replay app.har -u https://a.example.com=http://127.0.0.1:4010 -u https://b.example.com=http://127.0.0.1:4011',
      'against two servers, such as those of tokenward serve',
    ],
    [
      'tokenward replay app.har -u http://localhost:3000 --mint key.json --matrix --junit matrix.xml',
      'what only tokens make possible, in CI',
    ],
  ],
  run: runReplay,
}

async function runReplay(args: Arguments, io: Io): Promise<ExitCode> {
  const common = { tokens: await tokensOf(args, io), ...(await targetOf(args)) }
  const replayIt = args.has('matrix') ? runMatrix : runPlain
  try {
    return await withRecording(args.positionals[0], io, (har) => replayIt(har, { args, io, common }))
  } catch (error) {
    if (error instanceof RecordingError || error instanceof TypeError) throw new UsageError(error.message)
    throw error
  }
}

interface Target {
  readonly baseUrl?: BaseUrl
  readonly secrets?: Readonly<Record<string, string>>
}

interface Running {
  readonly args: Arguments
  readonly io: Io
  readonly common: Target & { readonly tokens: TokenProvider }
}

async function runPlain(har: Har, { args, io, common }: Running): Promise<ExitCode> {
  const report = await replay(har, {
    ...common,
    onExpired: (args.get('on-expired') ?? 'renew') as 'renew' | 'fail',
    assert: { body: (args.get('body') ?? 'schema') as 'schema' | 'exact' | 'ignore', noise: args.all('noise') },
  })
  await io.stdout.write(report.text)
  await writeJUnit(args, replayToJUnit(report))
  return report.ok ? 0 : 1
}

async function runMatrix(har: Har, { args, io, common }: Running): Promise<ExitCode> {
  const report = await authMatrix(har, { ...common, unsafe: args.has('unsafe'), challenge: !args.has('bare-401') })
  await io.stdout.write(report.text)
  await writeJUnit(args, matrixToJUnit(report))
  return report.ok ? 0 : 1
}

async function writeJUnit(args: Arguments, xml: string): Promise<void> {
  const path = args.get('junit')
  if (path !== undefined) await writeWhole(path, [xml])
}

async function tokensOf(args: Arguments, { env }: Io): Promise<TokenProvider> {
  const providers: TokenProvider[] = []
  const module = args.get('login')
  const key = args.get('mint')
  if (module !== undefined) {
    const login = await loadLogin(module)
    providers.push(fromLogin(async (principal) => (await login(principal)) as LoginResult))
  }
  if (key !== undefined) {
    const iss = args.get('iss')
    const alg = (args.get('alg') ?? 'ES256') as SigningAlgorithm
    providers.push(mint({ key: (await readJson(key)) as JsonWebKey, alg, ...(iss === undefined ? {} : { iss }) }))
  }
  return firstOf(...providers, fromEnv(env))
}

async function targetOf(args: Arguments): Promise<Target> {
  const baseUrl = baseUrlOf(args.all('base-url'))
  const secrets = args.get('secrets')
  return {
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(secrets === undefined ? {} : { secrets: (await readJson(secrets)) as Record<string, string> }),
  }
}

/** One URL for everything, or `https://api.example.com=http://127.0.0.1:4010` for each server. */
function baseUrlOf(given: readonly string[]): BaseUrl | undefined {
  const places = new Map<string, string>()
  for (const one of given) {
    const [, origin, url = one] = /^(https?:\/\/[^/=]+)\/?=(.*)$/i.exec(one) ?? []
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) throw new UsageError(`--base-url ${one} is no URL.`)
    if (origin !== undefined) places.set(new URL(origin).origin, url)
    else if (given.length === 1) return url
    else throw new UsageError(`--base-url ${one}: of several, each says for which server: <recorded origin>=${one}`)
  }
  return places.size === 0 ? undefined : Object.fromEntries(places)
}
