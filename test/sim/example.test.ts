import { describe, expect, test } from 'vitest'
import { tryNotes } from '../../examples/11-simulated-tabs/try.ts'
import { modes } from './corpus/plan.ts'

describe.each(modes)('an application in simulated tabs: %s', (mode) => {
  test.each(['logout', 'switch'] as const)(
    'after a %s no tab has anything of the user who was there',
    async (leave) => {
      for (let seed = 1; seed <= 8; seed++) {
        const { left, breaches } = await tryNotes(seed, mode, leave)
        expect(left).toEqual([[], [], []])
        expect(breaches).toEqual([])
      }
    },
  )
})
