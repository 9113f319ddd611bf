// Prints what each import costs: bundled and minified by esbuild, axios external, compressed with brotli.
// Fails when the smallest useful import is over its limit, or an entry carries what belongs to another.
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const core = `export { createTokenManager, cookieSource } from './dist/index.js'`
const bindAxios = `export { bindAxios } from './dist/axios/index.js'`
const createFetch = `export { createFetch } from './dist/fetch/index.js'`

const imports = [
  { name: 'core + axios', code: `${core}\n${bindAxios}`, limit: 7_000 },
  { name: 'core + fetch', code: `${core}\n${createFetch}` },
  { name: 'tokenward', code: `export * from './dist/index.js'`, without: ['dpop+jwt'] },
  { name: 'tokenward/axios', code: `export * from './dist/axios/index.js'`, without: ['dpop+jwt'] },
  { name: 'tokenward/fetch', code: `export * from './dist/fetch/index.js'`, without: ['dpop+jwt'] },
]

for (const { name, code, limit, without = [] } of imports) {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['axios'],
    legalComments: 'none',
    logLevel: 'error',
  })
  const [{ contents, text }] = outputFiles
  const size = brotliCompressSync(contents).length
  const bound = limit === undefined ? '' : ` of ${limit}`
  console.log(`${name.padEnd(16)} ${String(size).padStart(6)}${bound} bytes brotli, ${contents.length} minified`)
  if (size > limit) fail(`${name} is ${size - limit} bytes over its limit`)
  for (const word of without) if (text.includes(word)) fail(`${name} contains ${word}`)
}

function fail(message) {
  console.error(message)
  process.exitCode = 1
}
