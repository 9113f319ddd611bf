// Prints what each import costs: bundled and minified by esbuild, axios external, compressed with brotli.
// Fails when the smallest useful import is over its limit, when an entry carries what belongs to another, or when
// etc/size.json is out of date. --write brings etc/size.json and the README up to date; --json prints JSON only.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { build } from 'esbuild'
import { withSizes } from './readme-sizes.mjs'

const root = join(import.meta.dirname, '..')
const recordPath = join(root, 'etc', 'size.json')
const readmePath = join(root, 'README.md')
const [write, json] = ['--write', '--json'].map((flag) => process.argv.includes(flag))
/** The compressors of two versions of Node differ by a few bytes. */
const tolerance = 0.01
const core = `export { createTokenManager, cookieSource } from './dist/index.js'`
const bindAxios = `export { bindAxios } from './dist/axios/index.js'`
const createFetch = `export { createFetch } from './dist/fetch/index.js'`

const oauthSource = `export { createTokenManager } from './dist/index.js'
export { oauthSource } from './dist/oauth/index.js'`

const imports = [
  { name: 'core + axios', code: `${core}\n${bindAxios}`, limit: 23_750 },
  { name: 'core + fetch', code: `${core}\n${createFetch}` },
  { name: 'core + axios + oauth', code: `${oauthSource}\n${bindAxios}`, limit: 33_100 },
  // DPoP: at most 2 500 more.
  {
    name: 'core + axios + dpop',
    code: `${core}\n${bindAxios}\nexport { dpop } from './dist/dpop/index.js'`,
    limit: 25_950,
  },
  { name: 'tokenward', code: `export * from './dist/index.js'`, without: ['dpop+jwt', 'AES-GCM'] },
  { name: 'tokenward/axios', code: `export * from './dist/axios/index.js'`, without: ['dpop+jwt', 'AES-GCM'] },
  { name: 'tokenward/fetch', code: `export * from './dist/fetch/index.js'`, without: ['dpop+jwt', 'AES-GCM'] },
  { name: 'tokenward/testing', code: `export * from './dist/testing/index.js'` },
  { name: 'tokenward/oauth', code: `export * from './dist/oauth/index.js'`, without: ['dpop+jwt'] },
  { name: 'tokenward/dpop', code: `export * from './dist/dpop/index.js'` },
  { name: 'tokenward/storage', code: `export * from './dist/storage/index.js'`, without: ['dpop+jwt'] },
]

const sizes = {}
for (const { name, code, limit, without = [] } of imports) {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    // The last is loaded when it is first needed.
    external: ['axios', 'node:*', '../dpop/index.js'],
    legalComments: 'none',
    logLevel: 'error',
  })
  const [{ contents, text }] = outputFiles
  const size = brotliCompressSync(contents).length
  const bound = limit === undefined ? '' : ` of ${limit}`
  sizes[name] = size
  if (!json)
    console.log(`${name.padEnd(17)} ${String(size).padStart(6)}${bound} bytes brotli, ${contents.length} minified`)
  if (size > limit) fail(`${name} is ${size - limit} bytes over its limit`)
  for (const word of without) if (text.includes(word)) fail(`${name} contains ${word}`)
}

if (json) console.log(JSON.stringify(sizes, null, 2))
if (write) {
  writeFileSync(recordPath, `${JSON.stringify(sizes, null, 2)}\n`)
  writeFileSync(readmePath, withSizes(readFileSync(readmePath, 'utf8'), sizes))
} else {
  const record = readRecord()
  const isNear = (name) => Math.abs(record[name] - sizes[name]) <= sizes[name] * tolerance
  const wrong = Object.keys({ ...record, ...sizes }).filter((name) => !isNear(name))
  if (wrong.length > 0) fail(`etc/size.json is out of date (${wrong.join(', ')}): npm run size -- --write`)
}

function readRecord() {
  try {
    return JSON.parse(readFileSync(recordPath, 'utf8'))
  } catch {
    return {}
  }
}

function fail(message) {
  console.error(message)
  process.exitCode = 1
}
