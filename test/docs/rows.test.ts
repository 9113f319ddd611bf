import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readText, root } from './markdown.ts'

/** How many failures of others are known, numbered from 1: see CONTRIBUTING.md. */
const ROWS = 162

test('each known failure of others is named by a test', () => {
  const files = readdirSync(`${root}test`, { recursive: true, encoding: 'utf8' }).filter((name) => /\.ts$/.test(name))
  const named = new Set<number>()
  for (const file of files) {
    const code = readText(`test/${file}`).replace(/^ *(\/\/|\/\*|\*).*$/gm, '')
    for (const [, number] of code.matchAll(/\bF(\d{2,3})\b/g)) named.add(Number(number))
  }
  const missing = Array.from({ length: ROWS }, (_, index) => index + 1).filter((number) => !named.has(number))
  expect(missing).toEqual([])
})
