import { type Mutant, mutantsOf } from './mutant.ts'

const entering = 'test/tabs/entering.test.ts'
const record = 'test/tabs/record.test.ts'
const told = 'test/promises/events.test.ts'
const guardsMedia = 'test/tabs/guards-media.test.ts'
const guardsOrder = 'test/tabs/guards-order.test.ts'
const guardsRefresh = 'test/tabs/guards-refresh.test.ts'
const messages = 'test/tabs/messages.test.ts'
const outcome = 'test/flow/outcome.test.ts'
const rowsLife = 'test/tabs/rows-life.test.ts'
const rowsLocks = 'test/tabs/rows-locks.test.ts'
const rowsRotation = 'test/tabs/rows-rotation.test.ts'
const storage = 'test/tabs/storage.test.ts'

/** How tabs refresh, find and serve each other. */
export const manyTabs: readonly Mutant[] = [
  ...mutantsOf('src/flow/turn.ts', [
    [
      rowsRotation,
      'who comes too early waits',
      "if (claimed.verdict === 'early') throw unavailable(claimed.until)",
      '',
    ],
    [
      guardsMedia,
      'who finds another tab at work does not ask it again',
      "if (claimed.verdict === 'busy' || claimed.verdict === 'newer') siblings.want(from)",
      '',
    ],
    [
      guardsRefresh,
      'who finds another tab at work looks over and over again',
      "if (claimed.verdict === 'busy') await siblings.settled(from, claimed.until - now)",
      '',
    ],
    [
      rowsLocks,
      'a tab does not wait for the tokens that another has',
      "if (claimed.verdict === 'newer') {\n          await siblings.settled(from, HANDOVER_MS)",
      "if (claimed.verdict === 'newer') {",
    ],
    [guardsRefresh, 'a tab whose sibling is gone does not refresh', 'sequence = claimed.sequence', ''],
    [rowsLife, 'without a record nobody waits for a message', 'if (share.isAlone() && !waited) {', 'if (waited) {'],
    [
      guardsRefresh,
      'a tab presents what it remembers, though there were newer ones',
      'sequence === tokens?.rotation ? tokens.refreshToken : undefined',
      'tokens?.refreshToken',
    ],
    [
      rowsLocks,
      'a tab that was frozen after its mark presents the token',
      'if (Math.abs(clock.now().wall - now) > requestTimeoutMs / 2) continue',
      '',
    ],
    [
      rowsLocks,
      'nobody waits for the tab that holds the refresh token',
      'if (!newer(from) && siblings.isComing(ANSWER_MS)) await siblings.settled(from, requestTimeoutMs)',
      '',
    ],
    [
      guardsRefresh,
      'a session ends because the tab that holds the refresh token is at work',
      '!siblings.isComing(2 * requestTimeoutMs) &&\n',
      '',
    ],
    [
      guardsRefresh,
      'a session ends before its token does',
      ' &&\n        !(tokens && remainingMs(tokens, clock.now()) > 0)',
      '',
    ],
  ]),
  ...mutantsOf('src/flow/outcome.ts', [
    [
      entering,
      'the doubt is taken away before it is judged',
      '{ retry: undefined, sealed,',
      '{ retry: undefined, entering: undefined, sealed,',
    ],
    [told, 'listeners are told of new tokens while the lock is held', '    await free()\n    notice()', '    notice()'],
    [
      entering,
      'a cookie that may be of another user is believed',
      '|| (entered && !isGoingOn(user, userOf(tokens)))',
      '',
    ],
    [
      guardsRefresh,
      'tokens are used before they are stored',
      '    // Durable before anybody hears of it',
      "    store.dispatch({ type: 'refreshed', session, tokens })\n    // Durable before anybody hears of it",
    ],
    [guardsOrder, 'tokens that came too late replace newer ones', 'if (isLate) {', 'if (false) {'],
    [
      outcome,
      'a refresh does not look whether its session ended meanwhile',
      '    notice()\n    // Somebody else',
      '    // Somebody else',
    ],
    [guardsRefresh, 'the tokens of somebody else are taken', 'isSomebodyElse(tokens, user) ||', ''],
    [outcome, 'nobody is given the tokens of a refresh', 'siblings.serve({ session, tokens, wish })', ''],
    [
      storage,
      'the refresh token of an answer that is no good is not stored',
      'if (sealing) await share.update(toOutcome(claiming, {',
      'if (false) await share.update(toOutcome(claiming, {',
    ],
    [
      guardsRefresh,
      'the mark goes though no answer came',
      'const presented = answered || !facts.sent ? doubt',
      'const presented = now ? doubt',
    ],
    [guardsRefresh, 'the mark stays though the call never left', 'answered || !facts.sent ? doubt', 'answered ? doubt'],
    [
      guardsRefresh,
      'the mark of a cookie call goes before its answer can come',
      "source.credential === 'cookie' ? until + requestTimeoutMs : until",
      'until',
    ],
    [
      rowsLocks,
      'no other tab hears what the server asked to wait',
      'toOutcome(facts.claiming, { presented, retry })',
      'toOutcome(facts.claiming, { presented })',
    ],
  ]),
  ...mutantsOf('src/flow/sign-in.ts', [
    [told, 'listeners are told of a sign-in while the lock is held', 'if (isCurrent()) await free()', ''],
    [
      entering,
      'nobody knows of a sign-in that has begun',
      'if (byCookie && isCurrent()) await share.update(toEntering(sign, clock.now().wall, settings.requestTimeoutMs))',
      '',
    ],
    [
      entering,
      'a sign-in that came to nothing stays in the record',
      'if (!sent || isAnswer(thrown)) void leave()',
      'if (!sent || isAnswer(thrown)) void 0',
    ],
    [
      entering,
      'a sign-in lost long ago ends a later session',
      'if (epochs.newest()?.epoch === before) loseCookie()',
      'loseCookie()',
    ],
  ]),
  ...mutantsOf('src/tabs/record.ts', [
    [entering, 'a sign-in takes away the doubt of another', 'record && !record.entering ?', 'record ?'],
    [
      entering,
      'a sign-in that is under way keeps nobody away',
      'if (entering && entering.since <= now && now < entering.until) {',
      'if (false) {',
    ],
    [record, 'a late outcome is that of a newer claim', ' && presented.since === now', ''],
  ]),
  ...mutantsOf('src/flow/refresh.ts', [
    [
      told,
      'listeners are told of a failure while the lock is held',
      'free().then(() => answered(thrown))',
      'answered(thrown)',
    ],
    [
      entering,
      'an ID token of the session before says whose the cookie is',
      'if (turn.entered) Object.assign(previous, { claims: undefined })',
      '',
    ],
    [
      guardsOrder,
      'a refusal is believed though another tab has newer tokens',
      'isLost ? unavailable() : thrown',
      'thrown',
    ],
    [guardsRefresh, 'a tab without the refresh token leaves its mark', 'await release(turn)', ''],
    [
      guardsRefresh,
      'that another tab got no answer does not count',
      'doubtful: facts.doubtful || turn.doubtful',
      'doubtful: facts.doubtful',
    ],
    [
      guardsRefresh,
      'a refusal that comes after the deadline is not believed',
      'if (!failed || isFinal(thrown)) failed = judge(thrown, failed)',
      'if (!failed) failed = judge(thrown, failed)',
    ],
    [
      guardsRefresh,
      'one failure is told twice',
      'if (!failed || isFinal(thrown)) failed = judge(thrown, failed)',
      'failed = judge(thrown, failed)',
    ],
    [messages, 'a tab that needs tokens asks nobody', 'siblings.want(from)\n', ''],
    [
      guardsOrder,
      'a tab that has got tokens waits on for its turn',
      'until: (giveUp) => siblings.whenSettled(from, giveUp),',
      '',
    ],
  ]),
  ...mutantsOf('src/flow/siblings.ts', [
    [
      messages,
      'a message about another session is taken for one about this',
      'if (main?.session.epoch !== message.epoch) return undefined',
      'if (!main) return undefined',
    ],
    [messages, 'expired tokens are taken', 'else if (remainingMs(came, now) > 0) {', 'else {'],
    [messages, 'expired tokens are served', ' || remainingMs(tokens, now) <= 0) return {', ') return {'],
    [
      messages,
      'the tokens of another user are taken',
      'if (isSomebodyElse(came, userOf(main.tokens))) replaced(session)\n        else if',
      'if',
    ],
    [
      messages,
      'tokens are served that nobody asked for',
      'if (!held?.tokens || !asked.delete(held.wish)) return',
      'if (!held?.tokens) return',
    ],
    [messages, 'everybody answers', 'if (came.sequence >= sequence) asked.delete(wish)', ''],
    [
      messages,
      'all answer at the same time',
      'if (!received.has(tokens.obtained)) serve(here(wish))',
      'if (true) serve(here(wish))',
    ],
    [guardsRefresh, 'tokens of another tab are on no probation', 'probation.begin(came)', '{}'],
    [
      guardsRefresh,
      'a tab that was at work long ago is waited for',
      'coming !== undefined && elapsedMs(coming, clock.now()) < withinMs',
      'coming !== undefined',
    ],
  ]),
]
