import { type Mutant, mutantsOf } from './mutant.ts'

const anything = 'test/races/anything.test.ts'
const events = 'test/races/events.test.ts'
const logout = 'test/races/logout.test.ts'
const settling = 'test/races/settling.test.ts'
const tokens = 'test/races/tokens.test.ts'

export const oneTab: readonly Mutant[] = [
  ...mutantsOf('src/flow/refresh.ts', [
    [
      tokens,
      'a refresh does not look whose session it is',
      'if (!isSignedIn(state) || state.session !== used.session) return',
      'if (!isSignedIn(state)) return',
    ],
    [
      tokens,
      'a refresh does not look whether newer tokens are here',
      'if (state.tokens?.sequence !== used.tokens?.sequence) return Promise.resolve(state)',
      '',
    ],
    [
      tokens,
      'a refresh does not join the one that is flying',
      "if (state.status === 'refreshing') return state.flight",
      '',
    ],
    [
      tokens,
      'a refresh does not wait until it is time to try again',
      "if (!force && state.status === 'stale'",
      "if (force && state.status === 'stale'",
    ],
    [
      anything,
      'a refresh that had to wait for its turn does not look what came meanwhile',
      'const late = turns.settled(from, flight)\n        if (late || !turn) return late',
      'const late = turn ? undefined : turns.settled(from, flight)\n        if (late || !turn) return late',
    ],
  ]),
  ...mutantsOf('src/flow/outcome.ts', [
    [
      anything,
      'a failed refresh does not look whether newer tokens are here',
      'const here = final ? undefined : newer(from)',
      'const here = undefined',
    ],
    [logout, 'the tokens of a session that is over are not revoked', 'else await orphan(tokens)', ''],
    [
      events,
      'a failure of a session that is over is told as one of the session that is here',
      '      over(from)\n    }\n    const main',
      '    }\n    const main',
    ],
    [
      events,
      'a refusal after a lost answer is taken for an ordinary one',
      "doubtful ? 'unknown-outcome' : 'rejected'",
      "'rejected'",
    ],
  ]),
  ...mutantsOf('src/flow/failure.ts', [
    [
      tokens,
      'a token whose answer was lost is presented again before the deadline of the first call',
      'timeoutMs - elapsedMs(started, at)',
      '0',
    ],
  ]),
  ...mutantsOf('src/session/state.ts', [
    [anything, 'new tokens replace newer ones', ' || held.tokens !== tokens) return state', ') return state'],
    [
      anything,
      'new tokens go into the session of somebody else',
      'if (!held || held.session !== session || held.tokens',
      'if (!held || held.tokens',
    ],
    [
      logout,
      'new tokens bring a session back',
      'if (!held || held.session !== session || held.tokens !== tokens) return state',
      '',
    ],
    [
      anything,
      'the failure of an earlier refresh ends the one that is flying',
      "if (!held || !('flight' in state) || state.flight !== event.flight) return state",
      "if (!held || !('flight' in state)) return state",
    ],
    [
      anything,
      'the failure of a refresh makes a session of nothing',
      "if (!held || !('flight' in state) || state.flight !== event.flight) return state",
      'if (!held) return state',
    ],
    [
      anything,
      'a session ends another',
      'if (event.session !== undefined && heldIn(state)?.session !== event.session) return state',
      '',
    ],
    [
      anything,
      'a restore that found nothing ends the one after it',
      "return state.status === 'restoring' && state.flight === event.flight ? state.before : state",
      "return state.status === 'restoring' ? state.before : state",
    ],
  ]),
  ...mutantsOf('src/session/store.ts', [
    [
      logout,
      'a session that was left is not ended',
      'if (left && left !== heldIn(state)?.session) left.end(endError(state))',
      '',
    ],
  ]),
  ...mutantsOf('src/flow/sign-in.ts', [
    [
      'test/tabs/guards-order.test.ts',
      'a login that was overtaken is asked for',
      'if (!isCurrent() || !source.login) {',
      'if (!source.login) {',
    ],
    [logout, 'a login that was overtaken signs in', 'if (isCurrent()) return begin(tokens)', 'return begin(tokens)'],
    [
      logout,
      'the tokens of a login that was overtaken are not revoked',
      'if (!byCookie) await orphan(tokens)',
      'if (!byCookie) void 0',
    ],
    [
      tokens,
      'the cookie of a login that was overtaken is not given back',
      'else await giveBackCookie(tokens, context)',
      '',
    ],
    [
      logout,
      'the tokens of the session that a login replaces are not revoked',
      'if (!isGoingOn(userOf(before.tokens), user)) void orphan(before.tokens, unspent)',
      '',
    ],
  ]),
  ...mutantsOf('src/flow/restore.ts', [
    [logout, 'a restore that was overtaken signs in', 'if (isCurrent() && tokens && known', 'if (tokens && known'],
    [anything, 'a restore that was overtaken is asked for', 'if (!isCurrent() || (before && (', 'if ((before && ('],
  ]),
  ...mutantsOf('src/flow/calls.ts', [
    [
      tokens,
      'cookie calls are made at once',
      'run: (task, options) => (byCookie ? inTurn((call) => call(task), options) : run(task)),',
      'run: (task) => run(task),',
    ],
  ]),
  ...mutantsOf('src/flow/sign-out.ts', [
    [tokens, 'a session lives on with the cookie of another sign-in', "    end(state.session, 'replaced')\n", ''],
    [logout, 'a logout does not overtake a login', 'attempts.overtake()', ''],
    [
      logout,
      'the report of a logout does not wait for the refresh that is flying',
      'Promise.all([mine, stored, flight?.catch(() => {})])',
      'Promise.all([mine, stored])',
    ],
    [
      logout,
      'the report of a logout leaves out the tokens that came late',
      "[first, second ?? 'confirmed', ...(await Promise.all(orphans))]",
      "[first, second ?? 'confirmed']",
    ],
  ]),
  ...mutantsOf('src/flow/send.ts', [
    [
      anything,
      'the tokens of a session that is over are sent',
      'schedule.used(now)\n    if (session.signal.aborted) throw abortError(session.signal)',
      'schedule.used(now)',
    ],
    [logout, 'a request is not cut off when its session ends', '[target.signal, signal])', '[target.signal])'],
    [
      settling,
      'a request does not heed its signal while it is flying',
      '[target.signal, signal])',
      '[undefined, signal])',
    ],
  ]),
  ...mutantsOf('src/flow/supply.ts', [
    [
      settling,
      'a request that waits for a token does not heed its signal',
      'return untilAborted(bounded, [signal, session, life])',
      'return untilAborted(bounded, [session, life])',
    ],
    [
      logout,
      'a request that waits for a token does not notice that its session ended',
      'return untilAborted(bounded, [signal, session, life])',
      'return untilAborted(bounded, [signal, life])',
    ],
    [
      settling,
      'a request that waits for a token does not notice that the manager was disposed of',
      'return untilAborted(bounded, [signal, session, life])',
      'return untilAborted(bounded, [signal, session])',
    ],
    [
      settling,
      'an abort aborts the refresh that others wait for',
      'return untilAborted(bounded, [signal, session, life])',
      "signal?.addEventListener('abort', () => void parts.attempts.overtake())\n" +
        "    if (session) signal?.addEventListener('abort', () => void end(store.get().session, 'expired'))\n" +
        '    return untilAborted(bounded, [signal, session, life])',
    ],
    [
      tokens,
      'a 401 for an older token causes a refresh',
      'const here = tokens?.sequence === refused?.sequence ? undefined : ready(own, request, clock.now())',
      'const here = refused ? undefined : ready(own, request, clock.now())',
    ],
    [
      tokens,
      'a refused token is sent again',
      'const here = tokens?.sequence === refused?.sequence ? undefined : ready(own, request, clock.now())',
      'const here = ready(own, request, clock.now())',
    ],
    [
      tokens,
      'a request goes on with the session that is here now',
      'if (isSignedIn(state) && state.session === session) return state',
      'if (isSignedIn(state)) return state',
    ],
  ]),
  ...mutantsOf('src/flow/probation.ts', [
    [tokens, 'a fresh token that was refused is refreshed again', '!failed.get(obtained)', 'true'],
  ]),
  ...mutantsOf('src/flow/schedule.ts', [
    [
      settling,
      'a schedule that was stopped goes on',
      '    if (stopped) return\n    // Also while nobody',
      '    // Also while nobody',
    ],
  ]),
  ...mutantsOf('src/lib/emitter.ts', [
    [events, 'a listener hears of a change before the change is whole', 'if (holding) return task()', ''],
  ]),
  ...mutantsOf('src/flow/attempts.ts', [
    [
      anything,
      'an attempt that is over makes the next one forgotten',
      'if (isCurrent()) current = undefined',
      'current = undefined',
    ],
    [settling, 'a login that its caller gave up still signs in', "signal?.addEventListener('abort', giveUp)", ''],
  ]),
]
