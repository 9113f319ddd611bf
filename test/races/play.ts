import { createTokenManager, type Exchange, type SendTarget, type TokenManager, tokenErrorOf } from 'tokenward'
import type { Scheduler } from 'fast-check'
import { newAbort } from '../../src/adapters/abort.ts'
import { createModelServer, type ModelServer, type Operation } from '../support/model-server.ts'
import { createWorld, type World } from '../support/world.ts'
import { type Caller, createJudge, type Judge, type Rule } from './judge.ts'
import { type Command, describeCommand, type Plan, LOST_AFTER_MS, SETTLE, TIMEOUT_MS } from './plan.ts'

export type Credential = 'cookie' | 'token'
export const credentials: readonly Credential[] = ['token', 'cookie']
/** Ann is signed in. */
export const signedIn: readonly Command[] = [{ do: 'startSession', as: 'ann', refreshable: true }]

/** `3 x requestTimeoutMs` plus a second. */
const SETTLED_AFTER_MS = 3 * TIMEOUT_MS + 1_000

export interface StageOptions {
  readonly credential: Credential
  /** One leg of a journey, over when the director says so. */
  carry(what: string): Promise<void>
  readonly background?: boolean
  /** What a listener does when the n-th event comes. */
  readonly reaction?: { readonly to: number; readonly command: Command }
}

/** One manager, its server and its API, with a judge watching. */
export interface Stage {
  readonly world: World
  readonly server: ModelServer
  readonly tokens: TokenManager<string>
  readonly judge: Judge
  readonly callers: readonly Caller[]
  readonly story: readonly string[]
  readonly asked: Readonly<Record<Operation, number>>
  run(command: Command): Promise<void>
  /** Fails with the whole story if one of `rules` was broken. Without rules: any. */
  verdict(...rules: readonly Rule[]): void
}

export function createStage(plan: Plan, { credential, carry, background = true, reaction }: StageOptions): Stage {
  const story: string[] = []
  const callers: Caller[] = []
  const asked = { login: 0, refresh: 0, restore: 0, revoke: 0 }
  let ids = 0
  // Spread out, and never the same twice: sessions are named by it.
  const world = createWorld({ settled: settle, random: () => ((++ids * 37) % 101) / 101 + ids * 1e-9 })
  let disposed = false
  const tell = (line: string): void => {
    story.push(`${String((world.now() - start) / 1_000).padStart(7)} s  ${line}`)
  }
  const start = world.now()

  const server = createModelServer({
    credential,
    lifetimeMs: plan.lifetimeMs,
    connectionMs: LOST_AFTER_MS,
    now: world.now,
    heedsAbort: plan.heedsAbort,
    carry: async (what) => {
      await carry(what)
      tell(`    ${what}`)
    },
    fateOf(operation) {
      const fate = plan.fates[operation]?.[asked[operation]] ?? 'answered'
      asked[operation]++
      return fate
    },
    onCall(call, fate) {
      const { operation, presented = '' } = call
      tell(`  -> ${operation} ${presented} (${fate})`)
      judge.called(call, fate, world.ports.lifecycle.online())
      if (disposed && (operation === 'refresh' || operation === 'restore')) {
        judge.breach('quiet', `${operation} was called after dispose`)
      }
    },
    onAnswer(call, answer) {
      tell(`  <- ${call.operation}: ${answer}`)
      judge.answered(call, answer)
    },
  })
  const tokens = createTokenManager({
    source: server.source,
    resources: ['https://api.example.com'],
    timing: { requestTimeoutMs: TIMEOUT_MS, background },
    ports: { ...world.ports, newAbort },
  })
  const judge = createJudge({
    credential,
    now: world.now,
    getState: tokens.getState,
    access: server.access,
    ownerOf: server.ownerOf,
    calls: () => server.calls,
    reentrant: reaction !== undefined,
  })

  let events = 0
  let midEvent = false
  function heard(what: string): void {
    tell(`  * ${what}`)
    if (disposed) judge.breach('one event', `${what} came after dispose`)
    if (reaction?.to !== ++events) return
    midEvent = true
    void run(reaction.command)
    midEvent = false
  }
  tokens.subscribe((state) => {
    judge.changed(state)
    heard(state.signedIn ? `${state.status} ${String(state.claims?.['issued'])}` : state.status)
  })
  for (const type of ['signed-in', 'signed-out'] as const) {
    tokens.on(type, (event) => {
      judge.raised(type, event)
      heard('reason' in event ? `${type} (${event.reason})` : type)
    })
  }
  tokens.on('refreshed', ({ trigger }) => heard(`refreshed (${trigger})`))
  tokens.on('refresh-failed', ({ code }) => heard(`refresh-failed (${code})`))

  function follow<T>(
    name: string,
    kind: string,
    call: (caller: Caller) => Promise<T>,
    show: (value: T) => string,
  ): void {
    const began = tokens.getState()
    const { signedIn, status } = began
    const caller: Caller = {
      name,
      kind,
      begunAt: world.now(),
      controller: new AbortController(),
      began,
      as: signedIn ? began.session : status === 'restoring' || kind === 'required' ? undefined : 'nobody',
      sends: 0,
      apiMs: 0,
      atApiSince: undefined,
      settledAt: undefined,
      outcome: undefined,
    }
    callers.push(caller)
    const settled = (outcome: string): void => {
      caller.settledAt = world.now()
      caller.outcome = outcome
      tell(`  = ${name}: ${outcome}`)
      const apiMs = caller.apiMs + (caller.atApiSince === undefined ? 0 : world.now() - caller.atApiSince)
      const took = caller.settledAt - caller.begunAt - apiMs
      if (took > SETTLED_AFTER_MS) judge.breach('settles', `${name} took ${String(took)} ms`)
    }
    call(caller).then(
      (value) => settled(show(value)),
      (error: unknown) => settled(tokenErrorOf(error)?.code ?? String(error)),
    )
  }

  function exchangeFor(caller: Caller, repeatable: boolean): Exchange<number> {
    return {
      repeatable,
      async send(headers) {
        const authorization = headers['Authorization']
        tell(`  -> ${caller.name} ${authorization ?? 'bare'}`)
        judge.sent(caller, authorization?.replace('Bearer ', ''))
        const status = server.judge(authorization)
        const sentAt = (caller.atApiSince = world.now())
        await carry(`${caller.name} is answered`)
        caller.atApiSince = undefined
        caller.apiMs += world.now() - sentAt
        return status
      },
      answer: (status) => ({ status, header: () => null }),
    }
  }

  async function run(command: Command): Promise<void> {
    if (command.do === 'startSession' && credential === 'cookie') {
      // The cookie that came with it would be overwritten, or revoked, by a call that is under way. It begins after the
      // wait: a listener's one may let a command overtake it.
      await settle()
      const pending = callers.some(({ kind, settledAt }) => kind.startsWith('log') && settledAt === undefined)
      if (server.calls.size > 0 || pending) return
    }
    const number = judge.begin()
    const id = String(number)
    tell(`${id}. ${describeCommand(command)}`)
    switch (command.do) {
      case 'request': {
        const { repeatable = true, required, retry, minTtlMs } = command
        const target = { url: 'https://api.example.com/', ...defined({ required, retry, minTtlMs }) } as SendTarget
        return follow(
          `request ${id}`,
          required ? 'required' : 'request',
          (caller) => tokens.send({ ...target, signal: caller.controller.signal }, exchangeFor(caller, repeatable)),
          String,
        )
      }
      case 'getAccessToken': {
        const { minTtlMs } = command
        const obtain = async ({ controller: { signal } }: Caller): Promise<string> =>
          (await tokens.getAccessToken({ signal, ...defined({ minTtlMs }) })).value
        return follow(`getAccessToken ${id}`, 'getAccessToken', obtain, String)
      }
      case 'login': {
        judge.signIn('login')
        const login = ({ controller: { signal } }: Caller) => tokens.login(`${command.as}@${id}`, { signal })
        return follow(`login ${id}`, 'login', login, ({ status }) => status)
      }
      case 'startSession': {
        judge.signIn('startSession')
        const refreshable = command.refreshable || credential === 'cookie'
        const response = server.grant(`${command.as}@${id}`, { refreshable })
        if (!refreshable) judge.unrefreshable(`${command.as}@${id}`)
        const started = (): Promise<{ status: string }> => tokens.startSession(response)
        return follow(`startSession ${id}`, 'startSession', started, ({ status }) => status)
      }
      case 'restore': {
        judge.signIn('restore')
        const restore = ({ controller: { signal } }: Caller) => tokens.restore({ ask: command.ask, signal })
        return follow(`restore ${id}`, 'restore', restore, ({ status }) => status)
      }
      case 'logout': {
        const bound = ['request', 'required', 'getAccessToken', 'login']
        const before = callers.filter(
          ({ as, kind, settledAt }) => settledAt === undefined && as && as !== 'nobody' && bound.includes(kind),
        )
        if (!disposed) judge.loggingOut()
        follow(
          `logout ${id}`,
          'logout',
          () => tokens.logout(),
          ({ revoked }) => revoked,
        )
        if (disposed) return
        judge.loggedOut()
        await ticks(20)
        for (const caller of before)
          if (caller.settledAt === undefined) judge.breach('logout wins', `${caller.name} waits on`)
        return
      }
      case 'dispose': {
        const before = callers.filter(
          ({ settledAt, as, atApiSince }) => settledAt === undefined && !(atApiSince !== undefined && as === 'nobody'),
        )
        if (!disposed) judge.close(midEvent)
        disposed = true
        tokens.dispose()
        await ticks(20)
        for (const { name, settledAt } of before)
          if (settledAt === undefined) judge.breach('settles', `${name} waits on after dispose`)
        return
      }
      case 'abort': {
        const waiting = callers.filter(
          ({ settledAt, kind, controller, atApiSince, as }) =>
            settledAt === undefined &&
            !controller.signal.aborted &&
            kind !== 'logout' &&
            kind !== 'startSession' &&
            !(atApiSince !== undefined && as === 'nobody'),
        )
        const caller = waiting[command.which % Math.max(waiting.length, 1)]
        if (!caller) return
        tell(`  of ${caller.name}`)
        caller.controller.abort(new Error('the user left'))
        await ticks(20)
        if (caller.settledAt === undefined) judge.breach('settles', `${caller.name} was aborted, and waits on`)
        return
      }
      case 'pass':
        return world.pass(command.ms)
      case 'forget':
        return server.forgetAccess()
      case 'refuse':
        return server.refuseAll(command.all)
      case 'online':
        return world.goOnline(command.yes)
      case 'wake':
        return world.tell('wake')
    }
  }

  return {
    world,
    server,
    tokens,
    judge,
    callers,
    story,
    asked,
    run,
    verdict(...rules) {
      const broken = judge.breaches.filter(({ rule }) => rules.length === 0 || rules.includes(rule))
      if (broken.length === 0) return
      const breaches = broken.map(({ rule, text }) => `  ${rule}: ${text}`)
      throw new Error(`${['broken:', ...breaches, 'the story:', ...story].join('\n')}\n`)
    },
  }
}

export interface PlayOptions extends Omit<StageOptions, 'carry'> {
  /** Done before the first command, and settled. */
  readonly prelude?: readonly Command[]
  /** Done after the last command, when every answer that comes has come; `story` goes on after it. */
  readonly finale?: readonly Command[]
}

/** Plays `plan`: `scheduler` decides what comes next, the next command or one of the answers that are on their way. */
export async function play(scheduler: Scheduler, plan: Plan, options: PlayOptions): Promise<Stage> {
  let free = true
  const stage = createStage(plan, {
    ...options,
    carry: (what) => (free ? Promise.resolve() : scheduler.schedule(Promise.resolve(), what)),
  })
  const { world, judge } = stage
  const rejected = (error: unknown): void => judge.breach('quiet', `unhandled rejection: ${String(error)}`)
  process.on('unhandledRejection', rejected)

  async function drain(): Promise<void> {
    for (;;) {
      await settle()
      if (scheduler.count() === 0) return
      await scheduler.waitNext(1)
    }
  }
  async function outlast(rounds = 4): Promise<void> {
    for (let i = 0; i < rounds; i++) {
      await drain()
      await world.pass(SETTLED_AFTER_MS)
    }
    await drain()
  }

  try {
    for (const command of options.prelude ?? []) {
      await stage.run(command)
      await settle()
    }
    free = false
    let turn = 0
    // A sequence ends at the first command that throws, and tells nobody.
    const thrown: unknown[] = []
    const perform = (command: Command): Promise<void> => {
      const done = stage.run(command)
      done.catch((error: unknown) => thrown.push(error))
      return done
    }
    scheduler.scheduleSequence(
      plan.commands.map((command) => ({ builder: () => perform(command), label: describeCommand(command) })),
    )
    while (scheduler.count() > 0) {
      // `waitNext` lets fifty rounds of promise callbacks run before it begins: no pace would count any more.
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      await scheduler.waitOne()
      const pace = plan.paces[turn++ % plan.paces.length] ?? SETTLE
      await (pace === SETTLE ? settle() : ticks(pace))
      judge.observe()
    }
    if (thrown.length > 0) throw thrown[0]
    await outlast()
    for (const command of options.finale ?? []) {
      await stage.run(command)
      await outlast()
    }
    for (const { name, settledAt } of stage.callers)
      if (settledAt === undefined) judge.breach('settles', `${name} never settled`)
    await stage.run({ do: 'dispose' })
    await outlast(2)
    const left = [
      ...world.timers().map((ms) => `a timer of ${String(ms)} ms`),
      ...Array(world.watchers()).fill('a watcher'),
    ]
    if (left.length > 0) judge.breach('quiet', `left behind: ${left.join(', ')}`)
    if (world.reported.length > 0) judge.breach('quiet', `reported: ${String(world.reported[0])}`)
  } finally {
    process.off('unhandledRejection', rejected)
  }
  return stage
}

/** Lets `count` rounds of promise callbacks run, all within this task. */
async function ticks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve()
}

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  await new Promise<void>((resolve) => void setImmediate(resolve))
}

function defined(members: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
