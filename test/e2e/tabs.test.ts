import assert from 'node:assert/strict'
import { chromium, type Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { chromiumArgs } from '../support/chromium.mjs'
import { createChromiumDriver } from '../support/tabs-chromium.ts'
import type { Scenario } from '../support/tabs-driver.ts'
import { scenarios } from '../support/tabs-scenarios.ts'
import { startTabsSite } from '../support/tabs-site.ts'

let browser: Browser
/** Fifty tabs on a machine that is busy. */
const timeout = 120_000

beforeAll(async () => {
  const { executablePath, env } = inject('chromium')
  browser = await chromium.launch({ executablePath, args: chromiumArgs, env: { ...process.env, ...env } })
})
afterAll(() => browser.close())

async function show({ name, run }: Scenario): Promise<void> {
  const [site, context] = await Promise.all([startTabsSite(), browser.newContext()])
  const problems: string[] = []
  context.on('weberror', (error) => problems.push(String(error.error())))
  const measured: string[] = []
  try {
    await run(createChromiumDriver(context, site, (what, value) => measured.push(`${what}: ${value}`)))
    assert.deepEqual(problems, [])
  } finally {
    if (process.env['MEASURE']) console.log([name, ...measured].join('\n  '))
    await context.close()
    await site.close()
  }
}

for (const scenario of scenarios.filter(({ alone }) => alone)) test(scenario.name, { timeout }, () => show(scenario))
describe.concurrent('beside each other', () => {
  for (const scenario of scenarios.filter(({ alone }) => !alone)) test(scenario.name, { timeout }, () => show(scenario))
})
