import { type Mutant, mutantsOf } from './mutant.ts'

const rows = 'ROWS'

/** How tabs refresh, find and serve each other. */
export const manyTabs: readonly Mutant[] = [
  ...mutantsOf('src/flow/turn.ts', [
    [
      rows,
      'a refresh that was given up presents the token',
      "return newer(from) ?? ('flight' in state && state.flight === flight ? undefined : over(from))",
      'return newer(from)',
    ],
    [
      rows,
      'a refresh does not look for the tokens of another tab',
      "return newer(from) ?? ('flight'",
      "return ('flight'",
    ],
    [rows, 'who comes too early waits', "if (claimed.verdict === 'early') throw unavailable(claimed.until)", ''],
    [
      rows,
      'a refresh does not believe the record that the session is over',
      "if (claimed.verdict === 'over') epochs.hear(claimed.epoch)",
      "if (claimed.verdict === 'over') throw unavailable()",
    ],
    [
      rows,
      'who finds another tab at work does not ask it again',
      "if (claimed.verdict === 'busy' || claimed.verdict === 'newer') siblings.want(from)",
      '',
    ],
    [
      rows,
      'who finds another tab at work looks over and over again',
      "if (claimed.verdict === 'busy') await siblings.settled(from, Math.max(claimed.until - now, 0))",
      '',
    ],
    [
      rows,
      'a tab does not wait for the tokens that another has',
      "if (claimed.verdict === 'newer') {\n          await siblings.settled(from, HANDOVER_MS)",
      "if (claimed.verdict === 'newer') {",
    ],
    [rows, 'a tab whose sibling is gone does not refresh', 'sequence = claimed.sequence', ''],
    [rows, 'without a record nobody waits for a message', 'if (share.isAlone() && !waited) {', 'if (waited) {'],
    [
      rows,
      'a tab presents what it remembers, though there were newer ones',
      'sequence === (tokens?.sequence ?? 0) ? tokens?.refreshToken : undefined',
      'tokens?.refreshToken',
    ],
    [
      rows,
      'a tab that was frozen after its mark presents the token',
      'if (Math.abs(clock.now().wall - now) > requestTimeoutMs / 2) continue',
      '',
    ],
    [
      rows,
      'nobody waits for the tab that holds the refresh token',
      'if (!newer(from) && siblings.isComing(ANSWER_MS)) await siblings.settled(from, requestTimeoutMs)',
      '',
    ],
    [
      rows,
      'a session ends because the tab that holds the refresh token is at work',
      '!siblings.isComing(2 * requestTimeoutMs) && ',
      '',
    ],
    [rows, 'a session ends before its token does', ' && !(tokens && remainingMs(tokens, clock.now()) > 0)', ''],
  ]),
  ...mutantsOf('src/flow/outcome.ts', [
    [
      rows,
      'tokens are used before they are stored',
      '    // Durable before anybody hears of it',
      "    store.dispatch({ type: 'refreshed', from, tokens })\n    // Durable before anybody hears of it",
    ],
    [
      rows,
      'tokens that came too late replace newer ones',
      'if (record?.epoch === session.epoch && !change.applied) {',
      'if (false) {',
    ],
    [
      rows,
      'a refresh does not look whether its session ended meanwhile',
      'epochs.hear(record?.epoch)\n    notice()',
      '',
    ],
    [rows, 'the tokens of somebody else are taken', 'if (isSomebodyElse(tokens, from.tokens)) {', 'if (false) {'],
    [rows, 'nobody is given the tokens of a refresh', 'siblings.serve()', ''],
    [
      rows,
      'tokens are revoked that another tab has replaced',
      'const here = newer(from)\n    if (here) return here\n    // The session is over',
      '// The session is over',
    ],
    [
      rows,
      'the refresh token of an answer that is no good is not stored',
      'if (sealing) await share.update(toOutcome(claiming, {',
      'if (false) await share.update(toOutcome(claiming, {',
    ],
    [
      rows,
      'the mark goes though no answer came',
      'const presented = answered || !facts.sent ? undefined',
      'const presented = now ? undefined',
    ],
    [rows, 'the mark stays though the call never left', 'answered || !facts.sent ? undefined', 'answered ? undefined'],
    [
      rows,
      'the mark of a cookie call goes before its answer can come',
      "source.credential === 'cookie' ? until + requestTimeoutMs : until",
      'until',
    ],
    [
      rows,
      'no other tab hears what the server asked to wait',
      'toOutcome(facts.claiming, { presented, retry })',
      'toOutcome(facts.claiming, { presented })',
    ],
  ]),
  ...mutantsOf('src/flow/refresh.ts', [
    [rows, 'a refusal is believed though another tab has newer tokens', 'lostRace ? unavailable() : thrown', 'thrown'],
    [
      rows,
      'a tab without the refresh token leaves its mark',
      'await share.update(toOutcome(claiming, { presented: undefined }))',
      '',
    ],
    [
      rows,
      'that another tab got no answer does not count',
      'doubtful: facts.doubtful || turn.doubtful',
      'doubtful: facts.doubtful',
    ],
    [
      rows,
      'a refusal that comes after the deadline is not believed',
      'if (!failed || isFinal(thrown)) failed = judge(thrown)',
      'if (!failed) failed = judge(thrown)',
    ],
    [
      rows,
      'one failure is told twice',
      'if (!failed || isFinal(thrown)) failed = judge(thrown)',
      'failed = judge(thrown)',
    ],
    [rows, 'a tab that needs tokens asks nobody', 'siblings.want(state)', ''],
    [
      rows,
      'a tab that has got tokens waits on for its turn',
      '{ until: (giveUp) => siblings.whenSettled(state, giveUp) }',
      '{}',
    ],
  ]),
  ...mutantsOf('src/flow/siblings.ts', [
    [
      rows,
      'a message about another session is taken for one about this',
      'if (held?.session.epoch !== message.epoch) return false',
      'if (!held) return false',
    ],
    [
      rows,
      'tokens that are no newer are taken',
      'else if (came.sequence > sequence && remainingMs',
      'else if (remainingMs',
    ],
    [
      rows,
      'expired tokens are taken',
      'came.sequence > sequence && remainingMs(came, now) > 0',
      'came.sequence > sequence',
    ],
    [rows, 'expired tokens are served', ' || remainingMs(tokens, now) <= 0) return true', ') return true'],
    [
      rows,
      'the tokens of another user are taken',
      'if (isSomebodyElse(came, tokens)) replaced(session)\n        else if',
      'if',
    ],
    [
      rows,
      'tokens are served that nobody asked for',
      'if (!asked || !held?.tokens) return',
      'if (!held?.tokens) return',
    ],
    [rows, 'everybody answers', 'if (came.sequence >= sequence) asked = false', ''],
    [
      rows,
      'all answer at the same time',
      'if (tokens === received) timer(serve, STAGGER_MS * (0.2 + random()))\n      else serve()',
      'serve()',
    ],
    [rows, 'tokens of another tab are on no probation', 'if (tokens) probation.begin(came)', ''],
    [
      rows,
      'a tab that was at work long ago is waited for',
      'coming !== undefined && elapsedMs(coming, clock.now()) < withinMs',
      'coming !== undefined',
    ],
    [
      rows,
      'newer tokens may be those of another session',
      'held.session === session && held.tokens !== tokens',
      'held.tokens !== tokens',
    ],
  ]),
]
