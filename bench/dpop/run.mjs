// node bench/dpop/run.mjs: what a proof costs each request, in Node and in Chromium. Writes bench/results/dpop.md and its
// numbers.
import 'fake-indexeddb/auto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { format, resolveConfig } from 'prettier'
import { chromiumArgs, resolveChromium } from '../../test/support/chromium.mjs'
import { readOptions } from '../lib/options.mjs'
import { table } from '../lib/tables.mjs'

const results = join(import.meta.dirname, '..', 'results')
const PAGE = `<!doctype html><title>DPoP</title><script type="module">
import { measure } from '/work.js'
globalThis.measure = measure
</script>`
const { quick, write } = readOptions()
const amount = quick ? { rounds: 1, count: 5 } : { rounds: 15, count: 400 }
const { outputFiles } = await build({
  entryPoints: [join(import.meta.dirname, 'work.mjs')],
  bundle: true,
  format: 'esm',
  write: false,
})
const code = outputFiles[0].contents

const { measure } = await import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`)
const record = { node: await measure(amount), chromium: await inChromium() }
const machine = `${cpus().length} cores of ${cpus()[0].model.trim()}, Node ${process.version}, Chromium ${record.chromium.version}`

const rows = record.node.map(({ alg, us, ticks }, index) => [
  alg === 'Bearer' ? 'Bearer' : `DPoP, ${alg}`,
  ...[us, record.chromium.found[index].us].map((value) => value.toFixed(1)),
  String(ticks),
])
const head = ['token', 'µs per request, Node', 'µs per request, Chromium', 'ticks until the transport is called']
const report = join(results, 'dpop.md')
const text = `# What a proof costs

<!-- Written by \`node bench/dpop/run.mjs\`. Do not edit. -->

Requests with a fresh token, one after another, and a transport that answers at once: the median of ${amount.rounds} rounds of ${amount.count}
requests, on ${machine}. Nothing else is in these times but the
manager and, for DPoP, its proof: one signature, and the hash of the token once. Ticks are turns of the microtask queue that are
ours: WebCrypto is made to answer at once for them. In truth it answers from a thread, in a later task.

${table(head, rows)}
`
if (write) {
  writeFileSync(join(results, 'dpop.json'), `${JSON.stringify({ machine, ...amount, ...record }, undefined, 1)}\n`)
  writeFileSync(report, await format(text, { ...(await resolveConfig(report)), filepath: report }))
}
console.log(text)

async function inChromium() {
  const server = createServer((request, response) => {
    const isCode = request.url === '/work.js'
    response.writeHead(200, { 'Content-Type': isCode ? 'text/javascript' : 'text/html' })
    response.end(isCode ? Buffer.from(code) : PAGE)
  })
  await new Promise((resolve) => server.listen(0, 'localhost', resolve))
  const { executablePath, env } = await resolveChromium()
  const browser = await chromium.launch({ executablePath, args: chromiumArgs, env: { ...process.env, ...env } })
  try {
    const page = await browser.newPage()
    await page.goto(`http://localhost:${server.address().port}/`)
    await page.waitForFunction(() => 'measure' in globalThis)
    const found = await page.evaluate((given) => globalThis.measure(given), amount)
    return { version: browser.version(), found }
  } finally {
    await browser.close()
    server.close()
  }
}
