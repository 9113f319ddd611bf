import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createRandom, leastPeak, simulate } from '../../bench/fleet/simulate.mjs'
import { createModel, tokenRequestOf } from '../../bench/lib/model.mjs'
import { withBench } from '../../bench/lib/readme.mjs'
import { targets } from '../../bench/lib/targets.mjs'
import { readText, root } from '../docs/markdown.ts'

const run = promisify(execFile)

interface Measured {
  readonly results: Record<string, Record<string, unknown>>
}

async function measure(name: string): Promise<Measured> {
  const parameters = [`${root}bench/measures/${name}.mjs`, '--quick', '--only', 'bare,tokenward,blog']
  const { stdout } = await run(process.execPath, ['--expose-gc', ...parameters], { timeout: 60_000 })
  return JSON.parse(stdout) as Measured
}

// The peers are not part of this install, and times are not asserted: only that the bench sees what it says it sees.
describe('the benchmark', () => {
  test('compares a request of each contestant with bare axios', { timeout: 60_000 }, async () => {
    const { results } = await measure('hot-path')
    expect(Object.keys(results)).toEqual(['bare', 'same-again', 'tokenward', 'blog'])
    expect(results['bare']).toMatchObject({ ratio: 1, ticks: 0 })
    expect(results['tokenward']).toMatchObject({ ticks: 0 })
    expect(results['blog']!['ticks']).toBeGreaterThan(0)
  })

  test('tells one refresh from twenty', { timeout: 60_000 }, async () => {
    const { results } = await measure('guards')
    expect(results['bare']).toHaveProperty('doesNotApply')
    expect(results['tokenward']).toEqual({
      late401: { extraRefreshes: 0, failures: 0 },
      trickle: { refreshes: 1, failures: 0 },
      dead: { inBurst: 1, later: 0 },
      recoveryRefused: { trips: 3 },
      recoveryExpired: { trips: 2 },
      recoveryAhead: { trips: 1 },
    })
    expect(results['blog']).toMatchObject({ trickle: { refreshes: 20 }, recoveryExpired: { trips: 3 } })
  })
})

test('the token endpoint of the benchmark grants the scope that is asked for, and gives an ID token to who needs one', () => {
  const { issue, refresh } = createModel()
  const { refresh_token: one } = issue()
  const { refresh_token: two } = issue()
  const first = refresh(tokenRequestOf(`refresh_token=${one}&scope=orders+openid`), '/oauth/token')
  expect(first).toMatchObject({ status: 200, body: { scope: 'orders openid', id_token: expect.any(String) as string } })
  const second = refresh(tokenRequestOf(JSON.stringify({ refresh_token: two })), '/token')
  expect(second).toMatchObject({ status: 200, body: { scope: 'openid offline_access' } })
  expect(second.body).not.toHaveProperty('id_token')
  expect(refresh(tokenRequestOf(`refresh_token=${one}`), '/token')).toMatchObject({ status: 400 })
})

describe('the fleet', () => {
  test('who finds the endpoint down comes again when the policy says, and is served in its time', () => {
    const { requests, served, waited } = simulate({
      clients: 100,
      seconds: 20,
      capacity: 10,
      isDown: (second) => second < 2,
      firstAt: (client) => client / 100,
      againInS: () => 1,
      random: createRandom(1),
    })
    expect([...requests.slice(0, 4)]).toEqual([100, 100, 100, 90])
    expect([...served.slice(0, 4)]).toEqual([0, 0, 10, 10])
    expect([...waited].every((wait) => wait >= 2 && wait < 12)).toBe(true)
  })
})

test('no policy has a lower peak than those who come leave it, in the time that they have', () => {
  expect(leastPeak([100, 0, 0, 0], 0)).toBe(100)
  expect(leastPeak([100, 0, 0, 0], 3)).toBe(25)
  expect(leastPeak([10, 90, 20, 0], 1)).toBe(45)
  expect(leastPeak([60, 60, 60], 1)).toBe(45)
})

test('a target that is missed is called missed, with the reason, and with the peer that is better', () => {
  const contestants = { tokenward: { name: 'tokenward', ours: true }, blog: { name: 'blog' } }
  const results = { tokenward: { ratio: 1.15, ticks: 0 }, blog: { ratio: 1.02, ticks: 2 } }
  const section = targets({ record: { contestants, 'hot-path': { results } } })
  expect(section).toContain('| hot path, ratio | <= 1.10 | 1.15 | **missed** | 1.02 (blog) |')
  expect(section).toContain('| hot path, ticks | 0 | 0 | met | 2 (blog) |')
  expect(section).toContain('- **hot path, ratio**: ')
})

test('the README shows the results of the last run', () => {
  const readme = readText('README.md')
  expect(withBench(readme, { machine: 'A machine.', markdown: '| a |' })).toMatch(
    /<!-- bench -->\n\nA machine\.\n\n\| a \|\n\n<!-- \/bench -->/,
  )
  expect(readme).toContain(
    readText('bench/results/README.md')
      .split('\n')
      .find((line) => line.startsWith('Measured on')),
  )
})
