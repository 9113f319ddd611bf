import type { NarrowName } from './apis.ts'
import type { Medium, Operation } from './checker/history.ts'
import { type Fate, hardships } from './fates.ts'
import { type Chance, createChance } from './random.ts'
import type { ProofRules } from './proofs.ts'
import type { Mode } from './simulation.ts'
import type { Condition } from './tab.ts'

/** What is done in, or to, one tab, or to all that is around them. */
export type Act =
  | {
      readonly do: 'request'
      readonly abroad?: boolean
      /** An API that takes tokens of its own. */
      readonly to?: NarrowName
      readonly required?: boolean
      readonly repeatable?: boolean
      readonly retry?: boolean
      readonly minTtlMs?: number
      /** Default `true`. Who cannot give up waits together with others who cannot. */
      readonly abortable?: boolean
    }
  | { readonly do: 'login'; readonly as: string }
  | { readonly do: 'getAccessToken' | 'restore' | 'ask' | 'logout' | 'abort' | 'dispose' }
  | { readonly do: 'wake' | 'thaw' | 'kill' | 'leave' | 'reload' | 'open' | 'steal' | 'forget' }
  | { readonly do: 'freeze'; readonly deaf: boolean }
  | { readonly do: 'pass' | 'jump' | 'sleep'; readonly ms: number }
  | { readonly do: 'online'; readonly yes: boolean }
  | { readonly do: 'refuse'; readonly yes: boolean }
  /** How often, of a hundred times, a server wants another nonce all of a sudden. */
  | { readonly do: 'demand'; readonly often: number }
  | { readonly do: 'weather'; readonly medium: Medium; readonly condition: Condition | 'full' | 'losing' }
  /** What is kept there is gone, or something of another version of the package takes its place. */
  | { readonly do: 'clear' | 'foreign'; readonly medium: 'records' | 'marker' | 'channel' }
  /** What becomes of the call that has just come to this. */
  | { readonly do: 'fate'; readonly fate: Fate }

export interface Step {
  /** Which of the tabs that live. */
  readonly tab: number
  readonly act: Act
}

/** Points at which something may be aimed. */
export const moments = [
  'asked refresh',
  'asked login',
  'asked logout',
  'decided refresh',
  'decided login',
  'learned refresh',
  'learned login',
  'mark written',
  'tokens written',
  'epoch written',
  'tokens posted',
  'wanted posted',
  'epoch posted',
  'tokens delivered',
  'marked',
  'locked',
  'unlocked',
  'sent',
  'replied',
  'thawed',
  'refreshing',
  'stale',
  'signed-out',
  'signed-in',
  'restoring',
] as const
export type MomentName = (typeof moments)[number]

/** The n-th time that this happens in any tab, `act` is done to that tab, or to another. */
export interface Aim {
  readonly at: MomentName
  readonly nth: number
  readonly to: 'same' | 'other'
  readonly act: Act
  /** As soon as the page can: in the next task. Otherwise in the midst of it. */
  readonly soon: boolean
}

/** How messages, records, locks and calls fare, in percent and milliseconds. */
export interface Weather {
  readonly lost: number
  readonly doubled: number
  readonly messageMs: number
  readonly recordMs: number
  readonly lockMs: number
  readonly serverMs: number
}

/** All that happens, decided beforehand. It is JSON: it can be kept, changed and played again. */
export interface Plan {
  readonly seed: number
  readonly mode: Mode
  readonly tabs: number
  readonly lifetimeMs: number
  readonly graceMs: number
  readonly rotate: boolean
  readonly skewMs: number
  readonly idleMs?: number
  readonly absoluteMs?: number
  readonly retryAfterS?: number
  readonly proofs?: ProofRules | undefined
  readonly allowBearer?: boolean | undefined
  readonly apis?: readonly NarrowName[] | undefined
  readonly weather: Weather
  readonly fates: Readonly<Partial<Record<Operation | 'request', readonly Fate[]>>>
  readonly aims: readonly Aim[]
  readonly steps: readonly Step[]
  /** How often, of a hundred times, a listener calls a method. */
  readonly reentrant: number
}

export const LIFETIME_MS = 300_000
const API_CHOICES: readonly [readonly NarrowName[], ...(readonly NarrowName[])[]] = [
  ['narrow'],
  ['once'],
  ['narrow', 'once'],
]
export const TIMEOUT_MS = 10_000

type Kind = 'freeze' | 'death' | 'clock' | 'network' | 'media' | 'data' | 'server' | 'locks'
const kinds: readonly Kind[] = ['freeze', 'death', 'clock', 'network', 'media', 'data', 'server', 'locks']

type Weighted = readonly [weight: number, make: () => Act]

function actsOf(
  chance: Chance,
  has: (kind: Kind) => boolean,
  { apis, proofs }: Pick<Plan, 'apis' | 'proofs'>,
): readonly Weighted[] {
  const { one, percent } = chance
  const when = (kind: Kind, weight: number, make: () => Act): Weighted[] => (has(kind) ? [[weight, make]] : [])
  return [
    [apis ? 24 : 16, () => requestOf(chance, apis)],
    [3, () => ({ do: 'getAccessToken' })],
    [3, () => ({ do: percent('act', 20) ? 'ask' : 'restore' })],
    [3, () => ({ do: 'logout' })],
    [4, () => ({ do: 'login', as: one('act', ['ann', 'bob', 'ann']) })],
    [2, () => ({ do: 'abort' })],
    [1, () => ({ do: 'dispose' })],
    [2, () => ({ do: 'wake' })],
    [3, () => ({ do: 'open' })],
    [1, () => ({ do: 'reload' })],
    [14, () => ({ do: 'pass', ms: one('act', [1, 3, 10, 40, 300, 1_200, 6_000, TIMEOUT_MS, 3 * TIMEOUT_MS]) })],
    [7, () => ({ do: 'pass', ms: one('act', [LIFETIME_MS - 61_000, LIFETIME_MS - 1, LIFETIME_MS + 5_000]) })],
    ...when('freeze', 6, () => ({ do: 'freeze', deaf: percent('act', 50) })),
    ...when('freeze', 6, () => ({ do: 'thaw' })),
    ...when('death', 3, () => ({ do: one('act', ['kill', 'leave', 'reload']) })),
    ...when('clock', 2, () => ({ do: 'jump', ms: one('act', [-3_600_000, -30_000, 30_000, 3_600_000, 86_400_000]) })),
    ...when('clock', 2, () => ({ do: 'sleep', ms: one('act', [5_000, 60_000, 3_600_000, 8 * 3_600_000]) })),
    ...when('network', 4, () => ({ do: 'online', yes: percent('act', 60) })),
    ...when('media', 3, () => weatherOf(chance)),
    ...when('data', 2, () => ({
      do: one('act', ['clear', 'foreign', 'clear']),
      medium: one('act', ['records', 'marker', 'channel']),
    })),
    ...when('server', 3, () => ({ do: 'forget' })),
    ...when('server', 2, () => ({ do: 'refuse', yes: percent('act', 60) })),
    ...when('locks', 3, () => ({ do: 'steal' })),
    ...(proofs ? ([[1, () => keysOf(chance)]] as const) : []),
  ]
}

function requestOf({ one, percent }: Chance, [first, second = first]: readonly NarrowName[] = []): Act {
  const to = first && second && percent('to', 60) ? one('to', [first, second]) : undefined
  const request: Act = { do: 'request', ...(to && { to }), ...(percent('abort', 50) && { abortable: false }) }
  if (percent('request', 60)) return request
  return {
    ...request,
    ...(percent('request', 20) && { abroad: true }),
    ...(percent('request', 20) && { required: true }),
    ...(percent('request', 20) && { repeatable: false }),
    ...(percent('request', 15) && { retry: false }),
    ...(percent('request', 25) && { minTtlMs: 120_000 }),
  }
}

function weatherOf({ one }: Chance): Act {
  const medium = one('weather', ['locks', 'channel', 'records', 'marker'])
  const condition = one('weather', ['working', 'missing', 'hanging', 'working'])
  if (medium === 'marker') return { do: 'weather', medium, condition: condition === 'hanging' ? 'missing' : condition }
  if (medium === 'records') {
    return { do: 'weather', medium, condition: one('weather', ['working', 'missing', 'hanging', 'full', 'losing']) }
  }
  return { do: 'weather', medium, condition }
}

function keysOf({ one }: Chance): Act {
  return { do: 'weather', medium: 'keys', condition: one('keys', ['working', 'missing', 'hanging', 'losing']) }
}

function draw(chance: Chance, acts: readonly Weighted[]): Act {
  let left = chance.number('which') * acts.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, make] of acts) if ((left -= weight) < 0) return make()
  return { do: 'pass', ms: 1 }
}

/** What is aimed at a moment: whatever hurts there. */
function aimOf(chance: Chance): Aim {
  const { one, percent } = chance
  const at = one('aim', moments as unknown as [MomentName, ...MomentName[]])
  const acts: [() => Act, ...(() => Act)[]] = [
    () => ({ do: 'logout' }),
    () => ({ do: 'login', as: 'bob' }),
    () => ({ do: 'freeze', deaf: percent('aim', 50) }),
    () => ({ do: 'kill' }),
    () => ({ do: 'abort' }),
    () => ({ do: 'dispose' }),
    () => ({ do: 'request' }),
    () => ({ do: 'steal' }),
    () => ({ do: 'sleep', ms: 3_600_000 }),
    () => ({ do: 'reload' }),
  ]
  if (/^(asked|decided)/.test(at)) {
    const fate = (): Act => ({ do: 'fate', fate: one('aim', ['lost', 'unanswered', 'cut', 'slow', 'garbled']) })
    acts.push(fate, fate, fate)
  }
  const make = one('aim', acts)
  const act = make()
  const world = /^(freeze|kill|steal|fate|sleep)$/.test(act.do)
  return { at, nth: chance.upTo('aim', 3), to: percent('aim', 65) ? 'same' : 'other', act, soon: !world }
}

function rulesOf({ one, percent }: Chance): ProofRules {
  return {
    nonces: one('proofs', ['none', 'window', 'single', 'window']),
    announced: percent('proofs', 60),
    challenges: one('proofs', [0, 10, 40]),
  }
}

/** The plan of a seed. */
export function planOf(seed: number): Plan {
  const chance = createChance(seed)
  const { one, percent, upTo, number } = chance
  // What all plans have a little of, hardly any has enough of: each has some kinds of trouble, and those often.
  const chosen = new Set(kinds.filter(() => percent('kinds', 40)))
  const has = (kind: Kind): boolean => chosen.has(kind)
  const mode = one('mode', ['cookie', 'memory', 'stored'])
  const apis = percent('apis', 20) ? one('apis', API_CHOICES) : undefined
  const proofs = mode !== 'cookie' && percent('proofs', 40) ? rulesOf(chance) : undefined
  const acts = actsOf(chance, has, { apis, proofs })
  const calm = percent('calm', 25)
  const few = (): Fate[] =>
    Array.from({ length: upTo('fates', 5) - 1 }, () => {
      const fate = percent('fates', 45) ? 'answered' : one('fates', hardships)
      return proofs && percent('bearer', 10) ? 'bearer' : fate
    })
  const fates = calm
    ? {}
    : {
        login: percent('fates', 40) ? few() : [],
        refresh: few(),
        logout: few(),
        request: percent('fates', 30) ? few() : [],
      }
  return {
    seed,
    mode,
    tabs: 2 + upTo('tabs', 4),
    lifetimeMs: LIFETIME_MS,
    graceMs: percent('grace', 25) ? 60_000 : 0,
    rotate: !percent('rotate', 10),
    skewMs: percent('skew', 20) ? one('skew', [-86_400_000, 3_600_000, 86_400_000]) : 0,
    ...(percent('idle', 10) && { idleMs: 900_000 }),
    ...(percent('absolute', 8) && { absoluteMs: 1_800_000 }),
    ...(percent('retry-after', 50) && { retryAfterS: one('retry-after', [5, 120]) }),
    ...(proofs && { proofs, ...(percent('allow-bearer', 20) && { allowBearer: true }) }),
    ...(apis && { apis }),
    weather: {
      lost: one('weather', [0, 0, 30, 100]),
      doubled: one('weather', [0, 30]),
      messageMs: one('weather', [1, 20, 2_000]),
      recordMs: one('weather', [1, 1, 20, 400]),
      lockMs: one('weather', [1, 20]),
      serverMs: one('weather', [1, 50, 3_000]),
    },
    fates,
    aims: Array.from({ length: percent('aims', 70) ? upTo('aims', 3) : 0 }, () => aimOf(chance)),
    steps: Array.from({ length: 8 + upTo('length', 22) }, () => ({
      tab: Math.floor(number('tab') * 12),
      act: draw(chance, acts),
    })),
    reentrant: percent('reentrant', 20) ? 20 : 0,
  }
}
