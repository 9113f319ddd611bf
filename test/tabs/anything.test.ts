import fc from 'fast-check'
import { describe, test } from 'vitest'
import { runs } from '../races/runs.ts'
import { credentials } from './browser.ts'
import { manyPlans } from './many-plan.ts'
import { playMany } from './many-play.ts'

describe.each(credentials)('with a refresh %s', (credential) => {
  test('many tabs, calm weather at the server: every rule holds', async () => {
    await fc.assert(
      fc.asyncProperty(manyPlans({ calm: true }), (plan) => playMany(plan, credential)),
      runs(150),
    )
  })

  test('many tabs, anything goes: every rule holds', async () => {
    await fc.assert(
      fc.asyncProperty(manyPlans(), (plan) => playMany(plan, credential)),
      runs(150),
    )
  })
})
