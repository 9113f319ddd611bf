import { type Mutant, mutantsOf } from './mutant.ts'

const anything = 'test/races/anything.test.ts'
const entering = 'test/promises/before-and-between.test.ts'
const events = 'test/races/events.test.ts'
const guardsLife = 'test/tabs/guards-life.test.ts'
const guardsOrder = 'test/tabs/guards-order.test.ts'
const keeping = 'test/promises/keep-the-session.test.ts'
const logout = 'test/races/logout.test.ts'
const machine = 'test/session/state.test.ts'
const meanwhile = 'test/promises/meanwhile.test.ts'
const rotation = 'test/promises/rotate-safely.test.ts'
const settling = 'test/races/settling.test.ts'
const supplying = 'test/flow/supply.test.ts'
const tokens = 'test/races/tokens.test.ts'

export const oneTab: readonly Mutant[] = [
  ...mutantsOf('src/flow/refresh.ts', [
    [meanwhile, 'a refusal that decides nothing stops the next refresh', 'if (isLost && told) return told', ''],
    [
      guardsLife,
      'a refresh does not look whether its session is over',
      'if (session.signal.aborted) return Promise.reject(abortError(session.signal))\n',
      '',
    ],
    [meanwhile, 'a refresh does not look whether newer tokens are here', 'if (here) return Promise.resolve(here)', ''],
    ['test/tabs/narrow.test.ts', 'a refresh does not join the one that is flying', 'if (flying) return flying', ''],
    [
      keeping,
      'a refresh does not wait until it is time to try again',
      'if (before && !force && retryInMs',
      'if (before && force && retryInMs',
    ],
    [
      'test/tabs/guards-refresh.test.ts',
      'a refresh that had to wait for its turn does not look what came meanwhile',
      'if (!turn || !isDue) return',
      'if (!turn) return',
    ],
  ]),
  ...mutantsOf('src/flow/outcome.ts', [
    [
      guardsOrder,
      'a failed refresh does not look whether newer tokens are here',
      'const here = final ? undefined : newer(from)',
      'const here = undefined',
    ],
    [logout, 'the tokens of a session that is over are not revoked', 'else await orphan(tokens)', ''],
    [
      meanwhile,
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
      rotation,
      'a token whose answer was lost is presented again before the deadline of the first call',
      'timeoutMs - elapsedMs(started, at)',
      '0',
    ],
  ]),
  ...mutantsOf('src/session/state.ts', [
    [
      machine,
      'new tokens replace newer ones',
      ' || tokens.sequence <= (held.tokens?.sequence ?? 0)) return state',
      ') return state',
    ],
    [
      machine,
      'new tokens go into the session of somebody else',
      'if (held?.session !== session || tokens',
      'if (!held || tokens',
    ],
    [
      logout,
      'new tokens bring a session back',
      'if (held?.session !== session || tokens.sequence <= (held.tokens?.sequence ?? 0)) return state',
      '',
    ],
    [
      machine,
      'a new refresh token goes into the session of somebody else',
      '!isSignedIn(state) || state.session !== event.session || ',
      '!isSignedIn(state) || ',
    ],
    [
      meanwhile,
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
      'if (!isCurrent()) {',
      'if (false) {',
    ],
    [logout, 'a login that was overtaken signs in', 'if (isCurrent()) return begin(tokens)', 'return begin(tokens)'],
    [
      logout,
      'the tokens of a login that was overtaken are not revoked',
      'if (!byCookie) await orphan(tokens)',
      'if (!byCookie) void 0',
    ],
    [meanwhile, 'the cookie of a login that was overtaken is not given back', 'else await giveBackCookie(tokens)', ''],
    [
      logout,
      'the tokens of the session that a login replaces are not revoked',
      'if (left && !sealing) void orphan(left, unspent)',
      '',
    ],
  ]),
  ...mutantsOf('src/flow/restore.ts', [
    [entering, 'a restore that was overtaken signs in', 'if (!isCurrent()) await (tokens', 'if (false) await (tokens'],
    [meanwhile, 'a restore that was overtaken is asked for', 'if (!isCurrent() || (before && (', 'if ((before && ('],
  ]),
  ...mutantsOf('src/flow/calls.ts', [
    [
      meanwhile,
      'what goes on after a call has no more time than it had',
      'get context() {\n      return contextFor(newAbort().signal)\n    }',
      'context: contextFor(newAbort().signal)',
    ],
    [
      tokens,
      'cookie calls are made at once',
      'byCookie\n        ? inTurn((call, free) => call((context) => task(context, free)), options)\n        : run(',
      'run(',
    ],
  ]),
  ...mutantsOf('src/flow/sign-out.ts', [
    [
      meanwhile,
      'the report of a logout leaves out what came while the first tokens were given back',
      'await Promise.all(all).then(() => Promise.all(all))',
      'await Promise.all(all)',
    ],
    [
      'test/promises/logout.test.ts',
      'a server without a revocation endpoint is taken for one that did not answer',
      " || said === 'not-configured' ?",
      ' ?',
    ],
    [meanwhile, 'a session lives on with the cookie of another sign-in', "    end(state.session, 'replaced')\n", ''],
    [logout, 'a logout does not overtake a login', 'attempts.overtake()', ''],
    [
      meanwhile,
      'the report of a logout does not wait for the refresh that is flying',
      'const outcome = Promise.resolve(flights)',
      'const outcome = Promise.resolve()',
    ],
    [
      meanwhile,
      'the report of a logout leaves out the tokens that came late',
      'await revocations[revocations.push(revoke(tokens, more)) - 1]',
      'await revoke(tokens, more)',
    ],
  ]),
  ...mutantsOf('src/flow/send.ts', [
    [meanwhile, 'a token is refreshed for the sake of a new proof', 'if (isProofRefused) wanted.minTtlMs = 0', ''],
    [meanwhile, 'a bound token that came without time is refreshed over and over again', 'if (isOver || ', 'if ('],
    [
      guardsOrder,
      'the tokens of a session that is over are sent',
      'throwIfAborted(session.signal, target.signal)',
      'throwIfAborted(target.signal)',
    ],
    [logout, 'a request is not cut off when its session ends', 'target.signal, signal)', 'target.signal)'],
    [settling, 'a request does not heed its signal while it is flying', 'target.signal, signal)', 'undefined, signal)'],
  ]),
  ...mutantsOf('src/flow/supply.ts', [
    [
      settling,
      'a request that waits for a token does not heed its signal',
      'return untilAborted(bounded, signal, session ?? life)',
      'return untilAborted(bounded, undefined, session ?? life)',
    ],
    [
      supplying,
      'a request that waits for a token does not notice that its session ended',
      'return shared(promise, session)',
      'return shared(promise, life)',
    ],
    [
      meanwhile,
      'a request that waits for a login does not notice that the manager was disposed of',
      'return untilAborted(bounded, signal, session ?? life)',
      'return untilAborted(bounded, signal, session)',
    ],
    [
      settling,
      'an abort aborts the refresh that others wait for',
      'return untilAborted(bounded, signal, session ?? life)',
      "signal?.addEventListener('abort', () => void parts.attempts.overtake())\n" +
        "    if (session) signal?.addEventListener('abort', () => void end(store.get().session, 'expired'))\n" +
        '    return untilAborted(bounded, signal, session ?? life)',
    ],
    [
      tokens,
      'a 401 for an older token causes a refresh',
      'const here = tokens && tokens.sequence === refused?.sequence ? undefined : ready(own, request, clock.now())',
      'const here = refused ? undefined : ready(own, request, clock.now())',
    ],
    [
      tokens,
      'a refused token is sent again',
      'const here = tokens && tokens.sequence === refused?.sequence ? undefined : ready(own, request, clock.now())',
      'const here = ready(own, request, clock.now())',
    ],
    [meanwhile, 'a request goes on with the session that is here now', 'throwIfAborted(session.signal)\n', ''],
  ]),
  ...mutantsOf('src/flow/probation.ts', [
    [tokens, 'a fresh token that was refused is refreshed again', '!failed.get(obtained)', 'true'],
  ]),
  ...mutantsOf('src/flow/schedule.ts', [
    [
      meanwhile,
      'a schedule that was stopped goes on',
      '    if (life.aborted) return\n    // Also while nobody',
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
