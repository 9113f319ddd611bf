import { expect, test } from 'vitest'
import { problemsOf } from '../docs/compiler.ts'
import { readText } from '../docs/markdown.ts'

test('an application that uses all that the contract names compiles', { timeout: 30_000 }, () => {
  const path = 'test/types/contract-usage.ts'
  expect(problemsOf({ [path]: readText(path) })).toEqual([])
})
