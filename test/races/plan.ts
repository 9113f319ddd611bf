import fc from 'fast-check'
import type { Fate, Operation } from '../support/model-server.ts'

/** What an application does, one thing at a time. */
export type Command =
  | {
      readonly do: 'request'
      readonly required?: boolean
      readonly minTtlMs?: number
      readonly repeatable?: boolean
      readonly retry?: boolean
    }
  | { readonly do: 'getAccessToken'; readonly minTtlMs?: number }
  | { readonly do: 'login'; readonly as: User }
  | { readonly do: 'startSession'; readonly as: User; readonly refreshable: boolean }
  | { readonly do: 'restore'; readonly ask: boolean }
  | { readonly do: 'logout' }
  | { readonly do: 'dispose' }
  /** Aborts one of the calls that are waiting. */
  | { readonly do: 'abort'; readonly which: number }
  | { readonly do: 'pass'; readonly ms: number }
  /** The API refuses the tokens issued so far. */
  | { readonly do: 'forget' }
  /** The API refuses every token, or stops doing so. */
  | { readonly do: 'refuse'; readonly all: boolean }
  | { readonly do: 'online'; readonly yes: boolean }
  | { readonly do: 'wake' }

export type User = 'ann' | 'bob'
export type Fates = Readonly<Partial<Record<Operation, readonly Fate[]>>>

/** One story to be played; who is answered when is for the scheduler to say. */
export interface Plan {
  readonly commands: readonly Command[]
  /** How the first calls of each kind fare; those after them are answered. */
  readonly fates: Fates
  /** How many promise callbacks run between two steps, in turn. `SETTLE`: all of them. */
  readonly paces: readonly number[]
  /** Whether the token source rejects when its signal aborts. */
  readonly heedsAbort: boolean
  readonly lifetimeMs: number
}

export const SETTLE = 9
export const TIMEOUT_MS = 10_000
/** After this a call to the server counts as lost: in this model its answer does not come any more. */
export const LOST_AFTER_MS = 2 * TIMEOUT_MS
export const LIFETIME_MS = 300_000

const user = fc.constantFrom<User>('ann', 'bob')
/** Undefined members are left out, as `exactOptionalPropertyTypes` wants it. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })
const minTtlMs = maybe(fc.constantFrom(1_000, 250_000, 900_000))

const arbitraries = {
  request: fc.record({
    do: fc.constant('request' as const),
    required: maybe(fc.constant(true)),
    minTtlMs,
    repeatable: maybe(fc.constant(false)),
    retry: maybe(fc.constant(false)),
  }),
  plainRequest: fc.constant({ do: 'request' as const }),
  getAccessToken: fc.record({ do: fc.constant('getAccessToken' as const), minTtlMs }),
  login: fc.record({ do: fc.constant('login' as const), as: user }),
  startSession: fc.record({ do: fc.constant('startSession' as const), as: user, refreshable: fc.boolean() }),
  restore: fc.record({ do: fc.constant('restore' as const), ask: fc.boolean() }),
  logout: fc.constant({ do: 'logout' as const }),
  dispose: fc.constant({ do: 'dispose' as const }),
  abort: fc.record({ do: fc.constant('abort' as const), which: fc.nat(9) }),
  pass: fc.record({
    do: fc.constant('pass' as const),
    ms: fc.constantFrom(1, 900, 5_000, TIMEOUT_MS, 2 * TIMEOUT_MS, 3 * TIMEOUT_MS),
  }),
  expire: fc.record({
    do: fc.constant('pass' as const),
    ms: fc.constantFrom(LIFETIME_MS - 100_000, LIFETIME_MS - 30_000, LIFETIME_MS),
  }),
  forget: fc.constant({ do: 'forget' as const }),
  refuse: fc.record({ do: fc.constant('refuse' as const), all: fc.boolean() }),
  online: fc.record({ do: fc.constant('online' as const), yes: fc.boolean() }),
  wake: fc.constant({ do: 'wake' as const }),
}

export type CommandName = keyof typeof arbitraries

type Weights = Readonly<Partial<Record<CommandName, number>>>

/** A command of one of these kinds, as often as their numbers say. */
export function command(weights: Weights): fc.Arbitrary<Command> {
  const kinds = Object.entries(weights) as [CommandName, number][]
  return fc.oneof(...kinds.map(([name, weight]) => ({ weight, arbitrary: arbitraries[name] }))) as fc.Arbitrary<Command>
}

export function commands(weights: Weights, most = 12): fc.Arbitrary<Command[]> {
  return fc.array(command(weights), { maxLength: most, size: 'max' })
}

const hardships: readonly Fate[] = ['unreachable', 'unheard', 'busy', 'refused', 'lost', 'unanswered']

/** Fates of which about half are good, and the others any of `bad`. */
export function fates(
  operations: readonly Operation[] = ['login', 'refresh', 'restore', 'revoke'],
  bad: readonly Fate[] = hardships,
): fc.Arbitrary<Fates> {
  const few = fc.array(fc.oneof(fc.constant<Fate>('answered'), fc.constantFrom(...bad)), { maxLength: 4 })
  return fc.record(Object.fromEntries(operations.map((operation) => [operation, few])))
}

const allGood: fc.Arbitrary<Fates> = fc.constant({})

export function plans(parts: {
  readonly commands: fc.Arbitrary<readonly Command[]>
  readonly fates?: fc.Arbitrary<Fates>
}): fc.Arbitrary<Plan> {
  return fc.record({
    commands: parts.commands,
    fates: parts.fates ?? allGood,
    paces: fc.array(fc.oneof(fc.nat(SETTLE - 1), fc.constant(SETTLE)), { minLength: 1, maxLength: 8 }),
    heedsAbort: fc.boolean(),
    lifetimeMs: fc.constant(LIFETIME_MS),
  })
}

export function describeCommand(command: Command): string {
  const { do: what, ...rest } = command
  const details = Object.entries(rest).filter(([, value]) => value !== undefined)
  return [what, ...details.map(([key, value]) => `${key}=${String(value)}`)].join(' ')
}
