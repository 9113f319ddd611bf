import { type Mutant, mutantsOf } from './mutant.ts'

const calls = 'test/flow/calls.test.ts'
const meanwhile = 'test/promises/meanwhile.test.ts'
const seeds = 'test/sim/first-seeds.test.ts'
const corpus = 'test/sim/corpus.test.ts'
const findings = 'test/tabs/findings.test.ts'
const records = 'test/tabs/record.test.ts'
const signOut = 'test/flow/sign-out.test.ts'

/** What the simulator has found, and nobody had thought of. */
export const simulated: readonly Mutant[] = [
  ...mutantsOf('src/manager.ts', [
    [
      seeds,
      'a state that looks the same is told again',
      'if (shown !== store.snapshot()) events',
      'if (events) events',
    ],
  ]),
  ...mutantsOf('src/flow/sign-out.ts', [
    [
      seeds,
      'a tab follows into a session that its own listener has ended',
      '    // A listener that was told may have gone on, and further than this.\n    if (newest.epoch <= met) return\n',
      '',
    ],
    [
      signOut,
      'a tab that slept reads that it was signed out, whatever had happened',
      "announce('nobody', newest.reason)",
      "announce('nobody', 'logout')",
    ],
  ]),
  ...mutantsOf('src/flow/siblings.ts', [
    [
      corpus,
      'what one tab has found to be refused another refreshes again',
      'probation.refused(tokens, tokens.obtained)',
      '{}',
    ],
  ]),
  ...mutantsOf('src/flow/supply.ts', [
    [
      corpus,
      'tokens that the machine has outslept are sent',
      'if (isOutslept(renewed.tokens))',
      'if (!renewed.tokens)',
    ],
  ]),
  ...mutantsOf('src/flow/turn.ts', [
    [corpus, 'a tab that has looked too early for a stored refresh token ends the session', '!kept &&', ''],
  ]),
  ...mutantsOf('src/flow/outcome.ts', [
    [
      corpus,
      'a session that is being found takes the tokens of whoever has the cookie',
      'before || record?.epoch !== session.epoch ? userOf(before) : record.user',
      'userOf(before)',
    ],
    [
      corpus,
      'a refusal is kept from the other tabs when a login has overtaken the search',
      'isRejected && epochs.newest()?.epoch === session.epoch',
      'false',
    ],
    [
      corpus,
      'an answer to a later call takes the doubt away about an earlier one',
      'const doubt = facts.doubtful ? { by, since: now, until: now } : undefined',
      'const doubt = undefined',
    ],
  ]),
  ...mutantsOf('src/flow/refresh.ts', [
    [
      findings,
      'tokens that have come meanwhile hide what the server has said',
      'return outcome.fail(from, isLost',
      'return newer(from) ?? outcome.fail(from, isLost',
    ],
    [
      corpus,
      'a tab that was given tokens before it asked leaves its mark',
      'if (turn && !isDue) void release(turn)',
      '',
    ],
    [
      findings,
      'a refusal is not believed when older tokens have come meanwhile',
      'const later = (newer(from)?.tokens?.sequence ?? 0) > Math.max(presented, 1)',
      'const later = newer(from) !== undefined',
    ],
  ]),
  ...mutantsOf('src/flow/calls.ts', [
    [
      calls,
      'a page that has slept begins the next turn while the answer of the last is being stored',
      'if (made) await within(byCookie ? 1 : 2 * LATE, made)',
      'if (byCookie && made) await within(1, made)',
    ],
    [
      calls,
      'a page that has slept takes back the answer that it has not read yet',
      'const stop = timer(() => controller.abort(error), LATE * requestTimeoutMs)\n        answer.finally(stop).catch(nothing)',
      'controller.abort(error)',
    ],
  ]),
  ...mutantsOf('src/tabs/record.ts', [
    [
      records,
      'a record that has lost what it was given offers a refresh token that is spent',
      'known.sequence < sequence ? undefined : known.sealed',
      'known.sealed',
    ],
    [
      records,
      'a refresh token that is spent stays in a record that has lost what it was given',
      'next: { ...known, sealed, sequence,',
      'next: { ...known, sequence,',
    ],
  ]),
  ...mutantsOf('src/flow/schedule.ts', [
    [
      seeds,
      'a timer is set twice, and stopped once',
      '    notice()\n    // After that: whatever it has changed has been looked at, and has set the timer.\n    stopTimer?.()\n',
      '    stopTimer?.()\n    notice()\n',
    ],
  ]),
  ...mutantsOf('src/flow/send.ts', [
    [
      meanwhile,
      'a bare request does not end with its signal',
      'return untilAborted(exchange.send({}), signal, life)',
      'return exchange.send({})',
    ],
  ]),
  ...mutantsOf('src/flow/restore.ts', [
    [seeds, 'two tabs that have nothing to go by present one cookie', '        await mark(overtaken)\n', ''],
    [
      seeds,
      'a cookie whose answer is lost is presented again at once',
      '(isAnswer(thrown) || !sent) && unmark()',
      'unmark()',
    ],
    [
      'test/flow/restore.test.ts',
      'nobody looks for the session that has begun in place of the one that was looked for',
      'await findKnown(next, isCurrent)',
      'void next',
    ],
  ]),
  ...mutantsOf('src/flow/send.ts', [
    [
      corpus,
      'one proof is made for both sends',
      'wanted.proof = await prove(used, wanted)',
      'wanted.proof = Object(exchange).proof ??= await prove(used, wanted)',
    ],
    [
      corpus,
      'a token that has expired while its proof was made is sent',
      'if (isOver || remainingMs(used.tokens, now) > 0) break',
      'break',
    ],
    [
      corpus,
      'with a new proof goes the token that was there before',
      'isAgain ? fresh(',
      'isProofRefused ? Promise.resolve(used) : isAgain ? fresh(',
    ],
  ]),
  ...mutantsOf('src/flow/calls.ts', [
    [
      'test/flow/calls.test.ts',
      'a page that has slept presents once more what another has spent',
      'if (elapsedMs(began, sent) > requestTimeoutMs) throw timedOut()',
      '',
    ],
  ]),
  ...mutantsOf('src/flow/attach.ts', [
    [
      corpus,
      "an API with tokens of its own is sent the session's",
      'withheld: undefined, need }',
      'withheld: undefined, need: undefined }',
    ],
  ]),
  ...mutantsOf('src/flow/pool.ts', [
    [
      corpus,
      'a token for one request stays where it was taken',
      '      narrow.take(session, wish)\n      void fill',
      '      stock.spare.unshift(wish)\n      void fill',
    ],
  ]),
  ...mutantsOf('src/dpop/nonces.ts', [[corpus, 'no nonce is learned', '      lane.nonce = given\n', '']]),
  ...mutantsOf('src/dpop/binding.ts', [[corpus, 'a proof is not about its token', '        ath,\n', '']]),
  ...mutantsOf('src/oauth/endpoint.ts', [
    [
      corpus,
      'a server that wants another nonce by now is taken for one that is set up wrongly',
      '{ ...second, refused: false }',
      'second',
    ],
  ]),
]
