import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { scan } from 'tokenward/testing'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))

test('there is no token in the documents, the examples and the sources of this repository', async () => {
  const files = ['docs', 'examples', 'src', 'scripts', 'etc', '.github']
    .flatMap((folder) =>
      readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
    )
    .filter((name) => /\.(?:md|ts|tsx|mjs|json|ya?ml|html|har)$/.test(name))
  const found: string[] = []
  for (const file of [...files, 'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']) {
    const { findings } = await scan(readFileSync(`${root}${file}`, 'utf8'), { file })
    found.push(...findings.map(({ rule, where }) => `${where.file}:${where.line}:${where.column} ${rule}`))
  }
  expect(files.length).toBeGreaterThan(80)
  expect(found).toEqual([])
})
