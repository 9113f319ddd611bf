// Computes how well the scanner does on the labelled sets, beside the rules of other scanners.
import { build } from 'esbuild'
import { join } from 'node:path'
const root = join(import.meta.dirname, '..')
const { outputFiles } = await build({
  entryPoints: [join(root, 'test/testing/scan/figures.ts')],
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
  define: { 'import.meta.url': JSON.stringify(new URL('../test/testing/scan/sets/leaks.ts', import.meta.url).href) },
})
const { computeFigures } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
)
console.log(JSON.stringify(await computeFigures(), null, 1))
