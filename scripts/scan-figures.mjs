// Computes how well the scanner does on the labelled sets, beside the rules of other scanners. --write brings
// docs/scan-figures.md up to date; --json prints everything.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { format, resolveConfig } from 'prettier'

const root = join(import.meta.dirname, '..')
const path = join(root, 'docs', 'scan-figures.md')

const { outputFiles } = await build({
  stdin: {
    contents: `export { computeFigures } from './figures.ts'\nexport { figuresDocument } from './figures-document.ts'`,
    resolveDir: join(root, 'test/testing/scan'),
  },
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
  // The sets are read beside the file that reads them.
  define: { 'import.meta.url': JSON.stringify(new URL('../test/testing/scan/sets/leaks.ts', import.meta.url).href) },
})
const code = Buffer.from(outputFiles[0].contents).toString('base64')
const { computeFigures, figuresDocument } = await import(`data:text/javascript;base64,${code}`)

const figures = await computeFigures()
const speed = JSON.parse(readFileSync(join(root, 'etc', 'scan-speed.json'), 'utf8'))
if (process.argv.includes('--json')) console.log(JSON.stringify(figures, null, 1))
else {
  const options = { ...(await resolveConfig(path)), parser: 'markdown' }
  const document = await format(figuresDocument(figures, speed), options)
  if (process.argv.includes('--write')) writeFileSync(path, document)
  else console.log(document)
}
