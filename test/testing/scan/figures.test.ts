import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { beforeAll, expect, test } from 'vitest'
import { computeFigures, type Figures } from './figures.ts'
import { figuresDocument, type Speed } from './figures-document.ts'
import { readLeaks } from './sets/leaks.ts'

const path = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url))
let figures: Figures

beforeAll(async () => {
  figures = await computeFigures()
}, 60_000)

test('the sets are as large as they are said to be, and their labels point at what they name', () => {
  expect(figures.labels).toBeGreaterThanOrEqual(200)
  expect(figures.decoys).toBeGreaterThanOrEqual(200)
  expect(figures.histories).toBeGreaterThanOrEqual(70)
  for (const { text, labels, file } of readLeaks()) {
    const lines = text.split('\n')
    for (const { line, column, length, shape } of labels) {
      const value = lines[line - 1]?.slice(column - 1, column - 1 + length) ?? ''
      expect(value.length, `${file}:${line}:${column}`).toBe(length)
      if (shape.startsWith('jwt'))
        expect(value.startsWith('eyJ') || value.startsWith('ZXlK'), `${file}:${line}`).toBe(true)
    }
  }
})

test('all of the 18 shapes are found, and more of all labels, with fewer mistakes, than by the rules of others', () => {
  const [ours, ...others] = figures.scanners
  expect(ours!.shapes).toBe(18)
  expect(ours!.all.found / (ours!.all.found + ours!.all.missed)).toBeGreaterThan(0.99)
  for (const { shapes, all } of others) {
    expect(shapes).toBeLessThan(18)
    expect(all.found).toBeLessThan(ours!.all.found)
  }
})

test('more histories are judged right than in the published baseline of 81.4 %', () => {
  expect(figures.historiesRight / figures.histories).toBeGreaterThan(0.814)
})

test('the document says what is computed: npm run scan:figures -- --write', async () => {
  const speed = JSON.parse(readFileSync(path('etc/scan-speed.json'), 'utf8')) as Speed
  const options = { ...(await resolveConfig(path('docs/scan-figures.md'))), parser: 'markdown' }
  expect(readFileSync(path('docs/scan-figures.md'), 'utf8')).toBe(
    await format(figuresDocument(figures, speed), options),
  )
})
