import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { jwt, setsBeginAt, valueOf } from './values.ts'

// The templates in misuse/*.set: `== id rules | description` begins a history, `@@ file` the log or recording that
// tells it. `<ms+5>` is a time, five seconds after the beginning; `repeat 40 every 0.5: line` writes a line again and
// again; `each` does so with `#` counting. The lines of a `.har` are its entries, in short.

/** What happened with some tokens, and which rules have to say so. */
export interface LabelledHistory {
  readonly id: string
  readonly rules: readonly string[]
  readonly description: string
  readonly file: string
  readonly text: string
}

/** Every labelled history, in the order of the files. */
export function readHistories(): LabelledHistory[] {
  const folder = new URL('misuse/', import.meta.url)
  return readdirSync(fileURLToPath(folder))
    .filter((name) => name.endsWith('.set'))
    .sort()
    .flatMap((name) => readFileSync(new URL(name, folder), 'utf8').split(/^== /m).slice(1).map(historyOf))
}

function historyOf(template: string): LabelledHistory {
  const [head = '', name = '', ...lines] = template.trimEnd().split('\n')
  const [, id = '', rules = '', description = ''] = /^(\S+) (.*?) \| (.*)$/.exec(head) ?? []
  const file = name.replace(/^@@ /, '')
  const tokens = new Map<string, string>()
  const written = lines.flatMap(repeated).map(({ line, afterS, index }) => fill(line, { afterS, index, tokens }))
  const text = file.endsWith('.har') ? toHar(written) : `${inOrder(written).join('\n')}\n`
  return { id, rules: rules === '-' ? [] : rules.split(' '), description, file, text }
}

interface Filling {
  readonly afterS: number
  readonly index: number
  readonly tokens: Map<string, string>
}

function repeated(template: string): { line: string; afterS: number; index: number }[] {
  const [, count, everyS, line] = /^(?:repeat|each) (\d+) every ([\d.]+): (.*)$/.exec(template) ?? []
  if (line === undefined) return [{ line: template, afterS: 0, index: 0 }]
  return Array.from({ length: Number(count) }, (_, index) => ({ line, afterS: index * Number(everyS), index }))
}

const timeFormats: Readonly<Record<string, (at: number) => string>> = {
  ms: (at) => String(Math.round(at)),
  s: (at) => String(Math.round(at / 1_000)),
  iso: (at) => new Date(at).toISOString(),
  kc: (at) => new Date(at).toISOString().replace('T', ' ').replace('.', ',').replace('Z', ''),
  clf: (at) => {
    const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) (\S+)/.exec(new Date(at).toUTCString()) ?? []
    return `${day}/${month}/${year}:${time} +0000`
  },
}

function fill(line: string, { afterS, index, tokens }: Filling): string {
  return line
    .replace(/<(\w+)\+([\d.]+)>/g, (_, format: string, s: string) =>
      timeFormats[format]!(setsBeginAt + (Number(s) + afterS) * 1_000),
    )
    .replace(/^\{"t":([\d.]+)/, (_, s: string) => `{"t":${Number(s) + afterS}`)
    .replace(/#/g, String(index + 1))
    .replace(/«(\w+) ([^ »]+)((?: [^»]+)?)»/g, (_, shape: string, name: string, claims: string) => {
      const known = tokens.get(`${shape} ${name}`)
      const value = known ?? (shape === 'jwt' ? jwtOf(name, claims.trim()) : valueOf(shape, name))
      tokens.set(`${shape} ${name}`, value)
      return value
    })
}

function jwtOf(name: string, text: string): string {
  const header: Record<string, unknown> = { alg: 'RS256', typ: 'JWT' }
  const claims: Record<string, unknown> = {}
  for (const [, key = '', value = ''] of text.matchAll(/(\w+)=(\S+)/g)) {
    if (key === 'alg' || key === 'kid') header[key] = value
    else if (/^(?:iat|nbf|exp)$/.test(key)) claims[key] = setsBeginAt / 1_000 + Number(value)
    else if (key === 'scope') claims[key] = value.replaceAll('+', ' ')
    else claims[key] = value.includes(',') ? value.split(',') : value
  }
  return jwt(name, header, claims)
}

/** Repeated lines are mixed with the others as a real log mixes them: by their time. */
function inOrder(lines: readonly string[]): string[] {
  const timeOf = (line: string): number => {
    const ms = /"time":(\d+)/.exec(line)?.[1]
    const clf = /\[(\d+)\/(\w+)\/(\d+):(\S+) /.exec(line)
    return ms ? Number(ms) : clf ? Date.parse(`${clf[1]} ${clf[2]} ${clf[3]} ${clf[4]} GMT`) : 0
  }
  return [...lines].sort((a, b) => timeOf(a) - timeOf(b))
}

interface ShortEntry {
  readonly t: number
  readonly req: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly status: number
  readonly res?: object
  readonly _tokens?: unknown
}

function toHar(lines: readonly string[]): string {
  const short = lines.map((line) => JSON.parse(line) as ShortEntry)
  const entries = short.filter(({ req }) => req).sort((a, b) => a.t - b.t)
  const tokens = short.find(({ _tokens }) => _tokens)?._tokens
  const creator = tokens ? { name: 'tokenward', version: '0.1.0' } : { name: 'WebInspector', version: '537.36' }
  const log = { version: '1.2', creator, entries: entries.map(toEntry), ...(tokens ? { _tokens: tokens } : {}) }
  return JSON.stringify({ log }, null, 1)
}

function toEntry({ t, req, headers = {}, body, status, res }: ShortEntry): object {
  const [method = '', url = ''] = req.split(' ')
  const mimeType = body?.startsWith('{') ? 'application/json' : 'application/x-www-form-urlencoded'
  const text = res && JSON.stringify(res)
  return {
    startedDateTime: new Date(setsBeginAt + t * 1_000).toISOString(),
    time: 20,
    request: {
      method,
      url,
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
      queryString: [],
      headersSize: -1,
      bodySize: -1,
      ...(body === undefined ? {} : { postData: { mimeType, text: body } }),
    },
    response: {
      status,
      statusText: '',
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: [
        { name: 'content-type', value: 'application/json' },
        { name: 'cache-control', value: 'no-store' },
      ],
      content: { size: text?.length ?? 0, mimeType: 'application/json', ...(text === undefined ? {} : { text }) },
      redirectURL: '',
      headersSize: -1,
      bodySize: -1,
    },
    cache: {},
    timings: { send: 0, wait: 20, receive: 0 },
  }
}
