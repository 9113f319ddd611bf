import { type Mutant, mutantsOf } from './mutant.ts'

const narrow = 'test/tabs/narrow.test.ts'
const plans = 'test/tabs/narrow-plans.test.ts'
const pool = 'test/flow/pool.test.ts'
const returned = 'test/tabs/returned.test.ts'

/** Tokens for one API, or for one request; and logins that come back to a page. */
export const narrowed: readonly Mutant[] = [
  ...mutantsOf('src/session/narrow.ts', [
    [
      plans,
      'tokens of two scopes are taken for one another',
      'JSON.stringify([resource, scope, once])',
      "JSON.stringify([resource, '', once])",
    ],
    [
      plans,
      'tokens of two APIs are taken for one another',
      'JSON.stringify([resource, scope, once])',
      "JSON.stringify(['urn:pay', scope, once])",
    ],
    [narrow, 'what is used once stays where others find it', '      wishesOf(session).delete(wish)\n', ''],
    [
      narrow,
      'tokens that were not spent are not given back',
      'if (granted.tokens && (all || fromWish(wish).once))',
      'if (granted.tokens && all)',
    ],
  ]),
  ...mutantsOf('src/flow/pool.ts', [
    [
      narrow,
      'a token is taken, and is still there',
      '      narrow.take(session, wish)\n      void fill(held, stock)',
      '      void fill(held, stock)',
    ],
    [plans, 'all tokens that are used once are one', 'once: ports.random().toString(36).slice(2)', "once: 'one'"],
    [
      pool,
      'one that has expired unspent is used',
      'if (!tokens || !isReady(tokens)) continue',
      'if (!tokens) continue',
    ],
    [
      narrow,
      'tokens are fetched ahead where nothing is to happen by itself',
      'settings.background ? AHEAD : 0',
      'settings.background ? AHEAD : AHEAD',
    ],
    [
      narrow,
      'who waits is not told that there will be none',
      'for (const { reject } of stock.waiting.splice(0)) reject(error)',
      'stock.waiting.splice(0)',
    ],
    [narrow, 'one is fetched for a request that was given up', '.finally(() => stock.wanted--)', ''],
  ]),
  ...mutantsOf('src/flow/supply.ts', [
    [
      narrow,
      'a wider scope gets the token of the narrower one',
      "hasScope(scope.split(' '), asked) ? scope : asked",
      'scope',
    ],
    [narrow, 'what the session was not granted is asked for', '      demand(scope, own.tokens)\n', ''],
  ]),
  ...mutantsOf('src/flow/send.ts', [
    [
      narrow,
      'a token that was just spent is refreshed ahead',
      'if (!to.need?.once) ahead(used, now)',
      'ahead(used, now)',
    ],
  ]),
  ...mutantsOf('src/flow/restore.ts', [
    [
      returned,
      'an answer that is worth nothing hides the session that was there',
      'const state = await look(ask, signal)',
      'const state = store.snapshot()',
    ],
    [returned, 'who was shown the answer too finds no session', 'if (elsewhere) await signedIn(signal)', ''],
    [returned, 'a session that is here is waited for', 'if (isSignedIn(store.get())) resolve()', ''],
    [
      returned,
      'a login in another tab is waited for for ever',
      '.within(1, untilAborted(there, signal, life))',
      '.within(1e6, untilAborted(there, signal, life))',
    ],
    [
      returned,
      'who waits for a login in another tab cannot give up',
      'untilAborted(there, signal, life)',
      'untilAborted(there, undefined, life)',
    ],
    [
      returned,
      'an answer is looked for while one is being exchanged',
      'attempts.current() ? undefined : source.returned?.()',
      'source.returned?.()',
    ],
  ]),
  ...mutantsOf('src/flow/sign-in.ts', [
    [
      returned,
      'requests do not wait for a login that has come back',
      "if (returned || store.get().status === 'restoring')",
      "if (store.get().status === 'restoring')",
    ],
    [returned, 'a login that has come back leaves again', 'returned ? Promise.resolve(input) : answerOf', 'answerOf'],
  ]),
  ...mutantsOf('src/flow/sign-out.ts', [
    [
      'test/flow/sign-out.test.ts',
      'a late refresh takes away what the same user has got since',
      "if (epochs.newest()?.what === 'signed-in') await unlessGoingOn(tokens, more)\n      else await",
      'await',
    ],
    [
      returned,
      'who signs in again in another tab loses what he has',
      'void (begun ? unlessGoingOn : revoke)(tokens, unspent)',
      'void revoke(tokens, unspent)',
    ],
    [
      returned,
      'it is not waited for who has signed in',
      'if (held && !held.tokens) await siblings.settled(held, FOLLOW_MS)\n',
      '',
    ],
    [
      returned,
      'the tokens of somebody else are left alone',
      'if (!isGoingOn(user, userOf(heldIn(store.get())?.tokens))) await',
      'if (false) void',
    ],
  ]),
]
