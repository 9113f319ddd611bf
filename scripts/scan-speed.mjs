// Measures the scanner on a large log: seconds of processor time, MB/s and the most memory, beside the regular expressions of gitleaks and
// trufflehog in JavaScript, line by line, and `grep -E`. Takes a size in MB (default 1024), needs a build, and writes
// etc/scan-speed.json.
//
//   npm run build && node scripts/scan-speed.mjs 1024 && npm run scan:figures -- --write
import { spawn } from 'node:child_process'
import { createReadStream, createWriteStream, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'

const root = join(import.meta.dirname, '..')
const self = fileURLToPath(import.meta.url)
const megabytes = Number(process.argv[2] ?? 1024)

if (process.argv[2] === 'rules') await runRules(process.argv[3])
else await measureAll()

async function measureAll() {
  const folder = await mkdtemp(join(tmpdir(), 'tokenward-speed-'))
  try {
    const rows = []
    for (const [name, every] of [
      ['a token in 1 of 1000 lines', 1000],
      ['a token in every line', 1],
    ]) {
      const file = join(folder, 'access.log')
      await writeLog(file, { bytes: megabytes * 1e6, every })
      const grep = ['grep', '-cE', 'eyJ[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.|[?&](access_token|token)=|[Bb]earer ', file]
      for (const [tool, command] of [
        [
          'tokenward scan',
          [
            process.execPath,
            join(root, 'dist/cli.js'),
            'scan',
            '--format',
            'json',
            '-o',
            join(folder, 'report.json'),
            file,
          ],
        ],
        ['regular expressions of gitleaks and trufflehog', [process.execPath, self, 'rules', file]],
        ['grep -E', grep],
      ]) {
        const { seconds, peakMb } = await measure(command)
        const row = {
          log: name,
          tool,
          seconds: seconds.toFixed(1),
          mbPerS: (megabytes / seconds).toFixed(0),
          peakMb: peakMb.toFixed(0),
        }
        rows.push(row)
        console.log(
          `${name.padEnd(28)} ${tool.padEnd(48)} ${row.seconds.padStart(7)} s ${row.mbPerS.padStart(6)} MB/s ${row.peakMb.padStart(6)} MB`,
        )
      }
    }
    const machine = `${cpus().length} cores, Node ${process.version.slice(1)}`
    writeFileSync(join(root, 'etc', 'scan-speed.json'), `${JSON.stringify({ megabytes, machine, rows }, null, 2)}\n`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Lines of the combined format; of those with a token, three of four have it in a header and one in the query. */
async function writeLog(path, { bytes, every }) {
  const stream = createWriteStream(path)
  const agents = [
    'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
    'okhttp/4.12.0',
    'curl/8.10.1',
  ]
  let written = 0
  let line = 0
  // Some thousand tokens: as many users as a large site has at once.
  const tokens = Array.from({ length: 4000 }, (_, index) => tokenOf(index))
  while (written < bytes) {
    let block = ''
    while (block.length < 1 << 20) {
      const at = new Date(Date.UTC(2026, 10, 24) + line * 3)
      const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) (\S+)/.exec(at.toUTCString())
      const has = line % every === 0
      const token = tokens[((line / every) % tokens.length) | 0]
      const inQuery = has && line % 4 === 0
      const path = `/api/orders/${(line * 2654435761) % 1e9}${inQuery ? `?access_token=${token}` : ''}`
      const auth = has && !inQuery ? ` auth="Bearer ${token}"` : ''
      block += `203.0.${(line >> 8) & 255}.${line & 255} - - [${day}/${month}/${year}:${time} +0000] "GET ${path} HTTP/1.1" 200 ${line % 9000} "https://shop.example.com/" "${agents[line % 3]}"${auth}\n`
      line++
    }
    written += block.length
    if (!stream.write(block)) await once(stream, 'drain')
  }
  stream.end()
  await once(stream, 'finish')
}

function tokenOf(index) {
  if (index % 2 === 0) return randomBytes(32).toString('base64url')
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ sub: `user-${index}`, aud: 'https://api.example.com', iat: 1795507200, exp: 1795507500 + index })}.${randomBytes(64).toString('base64url')}`
}

/** Runs a command, and gives the processor time that it took, which other work on the machine does not change. */
async function measure(command) {
  // grep stops at the first line when nobody reads: its output is read.
  const timed = 'TIMEFORMAT="cpu %U %S"; time "$@" 2>/dev/null'
  const child = spawn('bash', ['-c', timed, '--', ...command], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.resume()
  let told = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (told += text))
  let peakMb = 0
  const timer = setInterval(() => (peakMb = Math.max(peakMb, ...childrenOf(child.pid).map(highWaterMb))), 20)
  await once(child, 'close')
  clearInterval(timer)
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(told) ?? []
  return { seconds: Number(user) + Number(system), peakMb }
}

function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  } catch {
    return []
  }
}

/** The most memory that a process has had, as Linux tells it. */
function highWaterMb(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** What the rules of others cost in this language, line by line. */
async function runRules(file) {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [join(root, 'test/testing/scan/rivals.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
  })
  const { rivals } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  )
  const { find } = rivals.find(({ name }) => name === 'both together')
  let hits = 0
  // The count keeps the work from being left out.
  for await (const line of createInterface({ input: createReadStream(file, { highWaterMark: 1 << 20 }) }))
    hits += find(line).length
  console.error(`${hits} hits`)
}
