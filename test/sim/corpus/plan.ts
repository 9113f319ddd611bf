import type { Entry, EntryOf } from '../../../src/testing/sim/checker/history.ts'
import { type Act, LIFETIME_MS, type Plan, type Step } from '../../../src/testing/sim/plan.ts'
import type { Mode } from '../../../src/testing/sim/simulation.ts'

/** A failure that others had, as a plan; and how one sees that it came to it. */
export interface Story {
  /** Begins with the number of the row. */
  readonly name: string
  /** Default: all. */
  readonly modes?: readonly Mode[]
  /** How many orders of what falls on one millisecond are tried. Default 3. */
  readonly seeds?: number
  readonly plan: Partial<Omit<Plan, 'steps' | 'mode' | 'seed'>>
  /** `'all request'`, `'2 freeze deaf'`, `'pass 5000'`, `'jump -3600000'`. Tabs are counted from 1. */
  readonly steps: readonly string[]
  /** Whether what the story is about has happened: of what was seen before all was well again. */
  happened(seen: readonly Entry[]): boolean
}

export const modes: readonly Mode[] = ['cookie', 'stored', 'memory']
/** The token has expired; the tabs have not noticed. */
export const EXPIRED = `pass ${String(LIFETIME_MS + 5_000)}`

const base: Omit<Plan, 'mode' | 'seed' | 'steps'> = {
  tabs: 3,
  lifetimeMs: LIFETIME_MS,
  graceMs: 0,
  rotate: true,
  skewMs: 0,
  weather: { lost: 0, doubled: 0, messageMs: 1, recordMs: 1, lockMs: 1, serverMs: 5 },
  fates: {},
  aims: [],
  reentrant: 0,
}

export function toPlan(story: Story, mode: Mode, seed: number): Plan {
  const tabs = story.plan.tabs ?? base.tabs
  return { ...base, ...story.plan, mode, seed, steps: story.steps.flatMap((text) => toSteps(text, tabs)) }
}

function toSteps(text: string, tabs: number): Step[] {
  const words = text.split(' ')
  if (words[0] === 'all') return Array.from({ length: tabs }, (_, tab) => ({ tab, act: toAct(words.slice(1)) }))
  const tab = Number(words[0])
  return [Number.isNaN(tab) ? { tab: 0, act: toAct(words) } : { tab: tab - 1, act: toAct(words.slice(1)) }]
}

function toAct([name = '', ...more]: readonly string[]): Act {
  const [one = '', two = ''] = more
  switch (name) {
    case 'pass':
    case 'jump':
    case 'sleep':
      return { do: name, ms: Number(one) }
    case 'freeze':
      return { do: 'freeze', deaf: one === 'deaf' }
    case 'login':
      return { do: 'login', as: one || 'ann' }
    case 'request':
      return {
        do: 'request',
        ...(one === 'unstoppable' && { retry: false }),
        ...(one === 'once' && { repeatable: false }),
        ...(one === 'reports' && { to: 'narrow' }),
        ...(one === 'pay' && { to: 'once' }),
      }
    case 'demand':
      return { do: 'demand', often: Number(one) }
    case 'refuse':
      return { do: 'refuse', yes: true }
    case 'offline':
    case 'online':
      return { do: 'online', yes: name === 'online' }
    case 'clear':
    case 'foreign':
    case 'weather':
      return { do: name, medium: one, ...(two && { condition: two }) } as Act
    default:
      return { do: name } as Act
  }
}

/** What was seen, by kind. */
export const saw = {
  asked: (seen: readonly Entry[], operation = 'refresh'): number =>
    seen.filter((entry) => entry.what === 'asked' && entry.operation === operation).length,
  sent: (seen: readonly Entry[]): number =>
    seen.filter((entry) => entry.what === 'sent' && entry.authorization !== undefined).length,
  settled: (seen: readonly Entry[], code: string): number =>
    seen.filter((entry) => entry.what === 'settled' && (entry.code ?? entry.text) === code).length,
  event: (seen: readonly Entry[], type: string, reason?: string): number =>
    seen.filter(
      (entry) =>
        entry.what === 'event' && entry.type === type && (reason === undefined || entry.event['reason'] === reason),
    ).length,
  /** What was presented by calls of this kind, one after the other. */
  presented: (seen: readonly Entry[], operation: string): (string | undefined)[] =>
    seen.flatMap((entry) => (entry.what === 'asked' && entry.operation === operation ? [entry.presented] : [])),
  /** Whether a tab is signed in by now. */
  signedIn: (seen: readonly Entry[], tab: string): boolean =>
    seen.findLast((entry): entry is EntryOf<'state'> => entry.what === 'state' && entry.tab === tab)?.state.signedIn ===
    true,
  what: (seen: readonly Entry[], what: Entry['what']): number => seen.filter((entry) => entry.what === what).length,
}
