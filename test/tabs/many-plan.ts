import fc from 'fast-check'
import type { Fate, Operation } from '../support/model-server.ts'
import { LIFETIME_MS, TIMEOUT_MS } from './browser.ts'

/** What happens in, or to, one tab. */
export type Happening =
  | { readonly do: 'request' | 'getAccessToken' | 'restore' | 'logout' | 'wake' | 'thaw' | 'kill' | 'leave' | 'open' }
  | { readonly do: 'login'; readonly as: 'ann' | 'bob' }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'freeze'; readonly deaf: boolean }
  | { readonly do: 'online'; readonly yes: boolean }

export interface Step {
  /** Which of the tabs that live. */
  readonly tab: number
  readonly what: Happening
}

/** How messages and records fare, in percent and milliseconds. */
export interface Weather {
  readonly lost: number
  readonly doubled: number
  readonly messageMs: number
  readonly recordMs: number
  readonly serverMs: number
}

export interface ManyPlan {
  readonly tabs: number
  readonly steps: readonly Step[]
  readonly fates: Readonly<Partial<Record<Operation, readonly Fate[]>>>
  readonly weather: Weather
  /** Decides what chance decides. */
  readonly seed: number
}

const simple = (
  what: 'request' | 'getAccessToken' | 'restore' | 'logout' | 'wake' | 'thaw' | 'kill' | 'leave' | 'open',
) => fc.constant<Happening>({ do: what })

const happening = fc.oneof(
  { weight: 16, arbitrary: simple('request') },
  { weight: 3, arbitrary: simple('getAccessToken') },
  { weight: 3, arbitrary: simple('restore') },
  { weight: 3, arbitrary: simple('logout') },
  { weight: 4, arbitrary: fc.constantFrom<Happening>({ do: 'login', as: 'ann' }, { do: 'login', as: 'bob' }) },
  { weight: 2, arbitrary: simple('wake') },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('freeze' as const), deaf: fc.boolean() }) },
  { weight: 5, arbitrary: simple('thaw') },
  { weight: 2, arbitrary: simple('kill') },
  { weight: 2, arbitrary: simple('leave') },
  { weight: 3, arbitrary: simple('open') },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('online' as const), yes: fc.boolean() }) },
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 3, 10, 40, 300, 1_200, 6_000, TIMEOUT_MS, 3 * TIMEOUT_MS),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(LIFETIME_MS - 61_000, LIFETIME_MS - 1, LIFETIME_MS + 5_000),
    }),
  },
)

const step: fc.Arbitrary<Step> = fc.record({ tab: fc.nat(11), what: happening })

const hard: readonly Fate[] = ['unreachable', 'unheard', 'busy', 'refused', 'lost', 'unanswered']
const few = fc.array(fc.oneof({ weight: 2, arbitrary: fc.constant<Fate>('answered') }, fc.constantFrom(...hard)), {
  maxLength: 4,
})

const weather: fc.Arbitrary<Weather> = fc.record({
  lost: fc.constantFrom(0, 30, 100),
  doubled: fc.constantFrom(0, 30),
  messageMs: fc.constantFrom(1, 20, 2_000),
  recordMs: fc.constantFrom(1, 20, 400),
  serverMs: fc.constantFrom(1, 50, 3_000),
})

/** `calm`: every answer comes. */
export function manyPlans({ calm = false, length = 25 } = {}): fc.Arbitrary<ManyPlan> {
  return fc.record({
    tabs: fc.integer({ min: 2, max: 4 }),
    steps: fc.array(step, { maxLength: length, size: 'max' }),
    fates: calm ? fc.constant({}) : fc.record({ login: few, refresh: few, restore: few, revoke: few }),
    weather,
    seed: fc.nat(),
  })
}

export function describeStep({ what }: Step): string {
  const { do: name, ...rest } = what
  return [name, ...Object.entries(rest).map(([key, value]) => `${key}=${String(value)}`)].join(' ')
}
