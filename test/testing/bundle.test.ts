import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { exports: Record<string, unknown> }
const entries = Object.keys(exports).filter((name) => !/testing|package\.json/.test(name))

test.each(entries)('nothing of the test kit is in what an application gets of %s', async (name) => {
  const path = name === '.' ? 'index.ts' : `${name.slice(2)}/index.ts`
  const { metafile } = await build({
    entryPoints: [`${root}src/${path}`],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    outdir: root,
    packages: 'external',
    logLevel: 'silent',
  })
  const inputs = Object.keys(metafile.inputs)
  expect(inputs.length).toBeGreaterThan(1)
  expect(inputs.filter((input) => input.includes('src/testing/'))).toEqual([])
})
