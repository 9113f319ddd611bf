import { expect, test } from 'vitest'
import { ownMembers } from '../../src/lib/own.ts'

test('F115: a copy has the members of its own, and none that a polluted prototype supplies', () => {
  const polluted = Object.assign(Object.create({ force: true }) as object, { scope: 'a' })
  const copy = ownMembers(polluted)
  expect({ ...copy }).toEqual({ scope: 'a' })
  expect('force' in copy).toBe(false)
  expect('toString' in copy).toBe(false)
})
