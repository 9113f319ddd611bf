import { isAtLeast } from '../scan/findings.ts'
import { toHtmlReport } from '../scan/report-html.ts'
import { toJUnitReport } from '../scan/report-junit.ts'
import { toSarifReport } from '../scan/report-sarif.ts'
import { toTextReport } from '../scan/report-text.ts'
import { scanRules, type RuleId, type Severity } from '../scan/rules.ts'
import { scan, type ScanReport } from '../scan/scan.ts'
import type { ScanOptions } from '../scan/options.ts'
import { type Arguments, type Command, type ExitCode, type Io, UsageError } from './command.ts'
import { inputsOf, writeWhole, type Input } from './files.ts'
import { mergeReports, readBaseline, type Baseline } from './scan-reports.ts'
import { createProgress } from './progress.ts'

const FORMATS = ['text', 'json', 'sarif', 'junit', 'html'] as const
const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const

export const scanCommand: Command = {
  name: 'scan',
  summary: 'Find tokens that leak or are misused, in logs, recordings and files',
  usage: '[options] <file|folder|->...',
  details: [
    'Reads logs of any kind, HAR files and other text, .gz as well, line by line: size does not matter. In a folder it reads everything but binary files, node_modules and the like.',
    'No report holds a token. What it shows is a fingerprint: the first 72 bits of the SHA-256 of the token.',
    `Rules: ${scanRules.map(({ id, name }) => `${id} ${name}`).join(', ')}.`,
  ],
  takesFiles: true,
  options: {
    format: { type: 'string', short: 'f', choices: FORMATS, help: 'how the report is written (default: text)' },
    output: { type: 'string', short: 'o', value: '<file>', help: 'where to (default: standard output)' },
    sarif: { type: 'string', value: '<file>', help: 'write a SARIF report there as well' },
    junit: { type: 'string', value: '<file>', help: 'write a JUnit report there as well' },
    html: { type: 'string', value: '<file>', help: 'write a page to look at there as well' },
    'fail-on': { type: 'string', choices: SEVERITIES, help: 'exit with 1 from this severity on (default: low)' },
    'allow-origin': {
      type: 'string',
      multiple: true,
      value: '<origin>',
      help: 'an origin that tokens may be sent to; with it, others are found (L4). May be repeated',
    },
    rule: {
      type: 'string',
      multiple: true,
      value: '<id>',
      help: 'look by this rule only: L1, misuse (M1 to M11), leaks (L1 to L8). May be repeated',
    },
    'known-tokens': {
      type: 'string',
      value: '<file>',
      help: 'tokens that are known to be real, one a line: found wherever they stand',
    },
    fingerprint: {
      type: 'string',
      multiple: true,
      value: '<text>',
      help: 'the fingerprint of a token that is known to be real. May be repeated',
    },
    baseline: {
      type: 'string',
      value: '<file>',
      help: 'a JSON report whose findings are accepted: only new ones are told',
    },
    'max-lifetime': { type: 'string', value: '<seconds>', help: 'how long an access token may live (default: 86400)' },
    as: {
      type: 'string',
      choices: ['log', 'file', 'har'],
      help: 'what the input is, where name and content do not tell',
    },
  },
  examples: [
    ['tokenward scan logs/ recordings/*.har', 'everything in a folder, and some recordings'],
    ['kubectl logs deploy/api | tokenward scan -', 'what a program prints'],
    [
      'tokenward scan --format sarif -o scan.sarif --fail-on high build.log',
      'in CI: fail from high on, and show the places in the change',
    ],
    [
      'tokenward scan app.har --allow-origin https://api.example.com --html report.html',
      'where did the tokens of this recording go?',
    ],
    [
      'tokenward scan --format json -o accepted.json old.log; tokenward scan --baseline accepted.json new.log',
      'tell only what is new',
    ],
  ],
  run: runScan,
}

async function runScan(args: Arguments, io: Io): Promise<ExitCode> {
  if (args.positionals.length === 0) throw new UsageError('tell what to scan: files, folders, or - for standard input.')
  const inputs = await inputsOf(args.positionals, io)
  const baseline = await readBaseline(args.get('baseline'))
  const options = await optionsOf(args, io)
  const report = await scanAll(inputs, { options, baseline, io })
  await write(report, { args, io, files: inputs.map(({ name }) => name) })
  const least = (args.get('fail-on') ?? 'low') as Severity
  return report.findings.some(({ severity }) => isAtLeast(severity, least)) ? 1 : 0
}

interface Scanning {
  readonly options: ScanOptions
  readonly baseline: Baseline
  readonly io: Io
}

async function scanAll(inputs: readonly Input[], { options, baseline, io }: Scanning): Promise<ScanReport> {
  const total = inputs.reduce<number | undefined>(
    (sum, { size }) => (sum === undefined || size === undefined ? undefined : sum + size),
    0,
  )
  const progress = createProgress(io, 'Scanning', total)
  const reports: ScanReport[] = []
  let before = 0
  try {
    for (const input of inputs) {
      const report = await scan(input.open(), {
        ...options,
        file: input.name,
        onProgress: (characters) => progress.update(before + characters),
      }).catch((error: unknown) => {
        if (error instanceof SyntaxError || error instanceof RangeError)
          throw new UsageError(`${input.name}: ${error.message}`)
        throw error
      })
      before += report.characters
      reports.push(report)
    }
  } finally {
    progress.end()
  }
  return mergeReports(reports, baseline)
}

async function optionsOf(args: Arguments, io: Io): Promise<ScanOptions> {
  const known = args.get('known-tokens')
  const as = args.get('as') as 'log' | 'file' | 'har' | undefined
  const allowOrigins = args.all('allow-origin')
  const rules = rulesOf(args.all('rule'))
  const maxLifetimeS = numberOf(args, 'max-lifetime')
  const wrong = allowOrigins.find((origin) => !URL.canParse(origin))
  if (wrong !== undefined)
    throw new UsageError(`--allow-origin ${wrong} is no URL. Write it as https://api.example.com.`)
  return {
    now: io.now(),
    ...(as === undefined ? {} : { as }),
    ...(rules === undefined ? {} : { rules }),
    ...(allowOrigins.length === 0 ? {} : { allowOrigins }),
    ...(known === undefined ? {} : { knownTokens: await linesOf(known, io) }),
    knownFingerprints: args.all('fingerprint'),
    limits: maxLifetimeS === undefined ? {} : { maxLifetimeMs: maxLifetimeS * 1_000 },
  }
}

function rulesOf(names: readonly string[]): RuleId[] | undefined {
  if (names.length === 0) return undefined
  return names.flatMap((name) => {
    const family = { leaks: 'L', misuse: 'M' }[name]
    const rules = scanRules.filter(
      ({ id, name: word }) => id === name.toUpperCase() || word === name || id[0] === family,
    )
    if (rules.length === 0)
      throw new UsageError(
        `there is no rule ${name}. Rules are ${scanRules.map(({ id }) => id).join(', ')}, leaks and misuse.`,
      )
    return rules.map(({ id }) => id)
  })
}

function numberOf(args: Arguments, name: string): number | undefined {
  const text = args.get(name)
  if (text === undefined) return undefined
  const value = Number(text)
  if (!(value > 0)) throw new UsageError(`--${name} ${text} is no number above 0.`)
  return value
}

async function linesOf(path: string, io: Io): Promise<string[]> {
  const [input] = await inputsOf([path], io)
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of input?.open() ?? []) text += decoder.decode(chunk, { stream: true })
  return text.split(/\r?\n/).filter((line) => line.trim() !== '')
}

interface Writing {
  readonly args: Arguments
  readonly io: Io
  readonly files: readonly string[]
}

async function write(report: ScanReport, { args, io, files }: Writing): Promise<void> {
  const output = args.get('output')
  const color = output === undefined && io.stdout.isTerminal && !io.env['NO_COLOR']
  const text = formatted(report, (args.get('format') ?? 'text') as (typeof FORMATS)[number], {
    files,
    color,
    version: io.version,
  })
  if (output === undefined || output === '-') await io.stdout.write(text)
  else await writeWhole(output, [text])
  for (const format of ['sarif', 'junit', 'html'] as const) {
    const path = args.get(format)
    if (path !== undefined)
      await writeWhole(path, [formatted(report, format, { files, color: false, version: io.version })])
  }
}

function formatted(
  report: ScanReport,
  format: (typeof FORMATS)[number],
  { files, color, version }: { readonly files: readonly string[]; readonly color: boolean; readonly version: string },
): string {
  switch (format) {
    case 'text':
      return toTextReport(report, { color })
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`
    case 'sarif':
      return `${JSON.stringify(toSarifReport(report, version), null, 2)}\n`
    case 'junit':
      return toJUnitReport(report, files)
    case 'html':
      return toHtmlReport(report)
  }
}
