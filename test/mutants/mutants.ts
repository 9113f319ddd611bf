export interface Mutant {
  readonly name: string
  readonly file: string
  /** Occurs exactly once in `file`. */
  readonly find: string
  readonly replace: string
  /** The test file that kills it. */
  readonly test: string
}

const tokens = 'test/races/tokens.test.ts'
const logout = 'test/races/logout.test.ts'
const settling = 'test/races/settling.test.ts'
const events = 'test/races/events.test.ts'
const anything = 'test/races/anything.test.ts'

/** Each takes away one line that guards against a race. */
export const mutants: readonly Mutant[] = [
  {
    name: 'a refresh does not look whose session it is',
    file: 'src/flow/refresh.ts',
    find: 'if (!isSignedIn(state) || state.session !== used.session) return',
    replace: 'if (!isSignedIn(state)) return',
    test: tokens,
  },
  {
    name: 'a refresh does not look whether newer tokens are here',
    file: 'src/flow/refresh.ts',
    find: 'if (state.tokens !== used.tokens) return Promise.resolve(state)',
    replace: '',
    test: tokens,
  },
  {
    name: 'a refresh does not join the one that is flying',
    file: 'src/flow/refresh.ts',
    find: "if (state.status === 'refreshing') return state.flight",
    replace: '',
    test: tokens,
  },
  {
    name: 'a refresh does not wait until it is time to try again',
    file: 'src/flow/refresh.ts',
    find: "if (!force && state.status === 'stale'",
    replace: "if (force && state.status === 'stale'",
    test: tokens,
  },
  {
    name: 'a refresh that had to wait for its turn does not look what came meanwhile',
    file: 'src/flow/refresh.ts',
    find: "if (now.status !== 'refreshing' || now.flight !== flight) return newer(from) ?? over(from)",
    replace: '',
    test: anything,
  },
  {
    name: 'the tokens of a session that is over are not revoked',
    file: 'src/flow/refresh.ts',
    find: 'await orphan(tokens)',
    replace: '',
    test: logout,
  },
  {
    name: 'a failed refresh does not look whether newer tokens are here',
    file: 'src/flow/refresh.ts',
    find: 'return newer(from) ?? fail(',
    replace: 'return fail(',
    test: anything,
  },
  {
    name: 'a failure of a session that is over is told as one of the session that is here',
    file: 'src/flow/refresh.ts',
    find: 'if (session.signal.aborted) over(from)',
    replace: '',
    test: events,
  },
  {
    name: 'a refusal after a lost answer is taken for an ordinary one',
    file: 'src/flow/refresh.ts',
    find: "facts.before?.unanswered ? 'unknown-outcome' : 'rejected'",
    replace: "'rejected'",
    test: events,
  },
  {
    name: 'a token whose answer was lost is presented again before the deadline of the first call',
    file: 'src/flow/failure.ts',
    find: 'timeoutMs - elapsedMs(started, at)',
    replace: '0',
    test: tokens,
  },
  {
    name: 'new tokens replace newer ones',
    file: 'src/session/state.ts',
    find: ' || state.tokens !== tokens) return state',
    replace: ') return state',
    test: anything,
  },
  {
    name: 'new tokens go into the session of somebody else',
    file: 'src/session/state.ts',
    find: 'if (!isSignedIn(state) || state.session !== session || state.tokens',
    replace: 'if (!isSignedIn(state) || state.tokens',
    test: anything,
  },
  {
    name: 'new tokens bring a session back',
    file: 'src/session/state.ts',
    find: 'if (!isSignedIn(state) || state.session !== session || state.tokens !== tokens) return state',
    replace: '',
    test: logout,
  },
  {
    name: 'the failure of an earlier refresh ends the one that is flying',
    file: 'src/session/state.ts',
    find: "if (!isFlying(state, event.flight, 'refreshing')) return state",
    replace: "if (state.status !== 'refreshing') return state",
    test: anything,
  },
  {
    name: 'the failure of a refresh makes a session of nothing',
    file: 'src/session/state.ts',
    find: "if (!isFlying(state, event.flight, 'refreshing')) return state",
    replace: '',
    test: anything,
  },
  {
    name: 'a session ends another',
    file: 'src/session/state.ts',
    find: 'if (event.session !== undefined && !(isSignedIn(state) && state.session === event.session)) return state',
    replace: '',
    test: anything,
  },
  {
    name: 'a restore that found nothing ends the one after it',
    file: 'src/session/state.ts',
    find: "if (!isFlying(state, event.flight, 'restoring')) return state\n      return event.reason",
    replace: "if (state.status !== 'restoring') return state\n      return event.reason",
    test: anything,
  },
  {
    name: 'a session that was left is not ended',
    file: 'src/session/store.ts',
    find: 'previous.session.end(endError(state))',
    replace: '',
    test: logout,
  },
  {
    name: 'a login that was overtaken is asked for',
    file: 'src/flow/sign-in.ts',
    find: 'if (!isCurrent() || !source.login) throw overtaken',
    replace: 'if (!source.login) throw overtaken',
    test: anything,
  },
  {
    name: 'a login that was overtaken signs in',
    file: 'src/flow/sign-in.ts',
    find: 'if (isCurrent()) return begin(tokens)',
    replace: 'return begin(tokens)',
    test: logout,
  },
  {
    name: 'the tokens of a login that was overtaken are not revoked',
    file: 'src/flow/sign-in.ts',
    find: 'if (!byCookie) await orphan(tokens)',
    replace: 'if (!byCookie) void 0',
    test: logout,
  },
  {
    name: 'the cookie of a login that was overtaken is not given back',
    file: 'src/flow/sign-in.ts',
    find: 'else await giveBackCookie(tokens, context)',
    replace: '',
    test: tokens,
  },
  {
    name: 'the tokens of the session that a login replaces are not revoked',
    file: 'src/flow/sign-in.ts',
    find: 'if (isSignedIn(before) && before.tokens) void orphan(before.tokens)',
    replace: '',
    test: logout,
  },
  {
    name: 'a session lives on with the cookie of another sign-in',
    file: 'src/flow/sign-in.ts',
    find: "    end(state.session, 'replaced')\n",
    replace: '',
    test: tokens,
  },
  {
    name: 'a restore that was overtaken signs in',
    file: 'src/flow/restore.ts',
    find: 'if (!isCurrent()) return store.snapshot()\n',
    replace: '',
    test: logout,
  },
  {
    name: 'a restore that was overtaken is asked for',
    file: 'src/flow/restore.ts',
    find: 'const response = isCurrent() ? await source.restore?.(context) : undefined',
    replace: 'const response = await source.restore?.(context)',
    test: anything,
  },
  {
    name: 'cookie calls are made at once',
    file: 'src/flow/calls.ts',
    find: "if (credential === 'cookie') return",
    replace: "if (credential !== 'cookie' && credential !== 'token') return",
    test: tokens,
  },
  {
    name: 'a logout does not overtake a login',
    file: 'src/flow/sign-out.ts',
    find: 'attempts.overtake()',
    replace: '',
    test: logout,
  },
  {
    name: 'the report of a logout does not wait for the refresh that is flying',
    file: 'src/flow/sign-out.ts',
    find: 'Promise.all([revoke(tokens), flight?.catch(() => {})])',
    replace: 'Promise.all([revoke(tokens)])',
    test: logout,
  },
  {
    name: 'the report of a logout leaves out the tokens that came late',
    file: 'src/flow/sign-out.ts',
    find: '[first, ...(await Promise.all(orphans))]',
    replace: '[first]',
    test: logout,
  },
  {
    name: 'the tokens of a session that is over are sent',
    file: 'src/flow/send.ts',
    find: 'schedule.used(clock.now())\n    if (session.signal.aborted) throw abortError(session.signal)',
    replace: 'schedule.used(clock.now())',
    test: anything,
  },
  {
    name: 'a request is not cut off when its session ends',
    file: 'src/flow/send.ts',
    find: '[target.signal, session.signal])',
    replace: '[target.signal])',
    test: logout,
  },
  {
    name: 'a request does not heed its signal while it is flying',
    file: 'src/flow/send.ts',
    find: '[target.signal, session.signal])',
    replace: '[session.signal])',
    test: settling,
  },
  {
    name: 'a request that waits for a token does not heed its signal',
    file: 'src/flow/send.ts',
    find: 'return untilAborted(bounded, [signal, session, life])',
    replace: 'return untilAborted(bounded, [session, life])',
    test: settling,
  },
  {
    name: 'a request that waits for a token does not notice that its session ended',
    file: 'src/flow/send.ts',
    find: 'return untilAborted(bounded, [signal, session, life])',
    replace: 'return untilAborted(bounded, [signal, life])',
    test: logout,
  },
  {
    name: 'a request that waits for a token does not notice that the manager was disposed of',
    file: 'src/flow/send.ts',
    find: 'return untilAborted(bounded, [signal, session, life])',
    replace: 'return untilAborted(bounded, [signal, session])',
    test: settling,
  },
  {
    name: 'an abort aborts the refresh that others wait for',
    file: 'src/flow/send.ts',
    find: 'return untilAborted(bounded, [signal, session, life])',
    replace:
      "signal?.addEventListener('abort', () => void attempts.overtake())\n" +
      "    if (session) signal?.addEventListener('abort', () => void end(store.get().session, 'expired'))\n" +
      '    return untilAborted(bounded, [signal, session, life])',
    test: settling,
  },
  {
    name: 'a 401 for an older token causes a refresh',
    file: 'src/flow/send.ts',
    find: 'const here = tokens === refused ? undefined : ready(now, request)',
    replace: 'const here = refused ? undefined : ready(now, request)',
    test: tokens,
  },
  {
    name: 'a refused token is sent again',
    file: 'src/flow/send.ts',
    find: 'const here = tokens === refused ? undefined : ready(now, request)',
    replace: 'const here = ready(now, request)',
    test: tokens,
  },
  {
    name: 'a request goes on with the session that is here now',
    file: 'src/flow/send.ts',
    find: 'if (isSignedIn(state) && state.session === session) return state',
    replace: 'if (isSignedIn(state)) return state',
    test: tokens,
  },
  {
    name: 'a fresh token that was refused is refreshed again',
    file: 'src/flow/probation.ts',
    find: '!failed.get(tokens)',
    replace: 'true',
    test: tokens,
  },
  {
    name: 'a schedule that was stopped goes on',
    file: 'src/flow/schedule.ts',
    find: '    if (stopped) return\n',
    replace: '',
    test: settling,
  },
  {
    name: 'a listener hears of a change before the change is whole',
    file: 'src/lib/emitter.ts',
    find: 'if (holding) return task()',
    replace: '',
    test: events,
  },
  {
    name: 'an attempt that is over makes the next one forgotten',
    file: 'src/flow/attempts.ts',
    find: 'if (isCurrent()) current = undefined',
    replace: 'current = undefined',
    test: anything,
  },
  {
    name: 'a login that its caller gave up still signs in',
    file: 'src/flow/attempts.ts',
    find: "signal?.addEventListener('abort', giveUp)",
    replace: '',
    test: settling,
  },
]
