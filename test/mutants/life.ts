import { type Mutant, mutantsOf } from './mutant.ts'

const rows = 'ROWS'

/** How tabs find a session, and how it ends in all of them. */
export const life: readonly Mutant[] = [
  ...mutantsOf('src/flow/sign-out.ts', [
    [
      rows,
      'who looks while a session ends finds it again',
      "      const epoch = announce(known ? 'unconfirmed' : 'nobody', reason)\n      store.dispatch({ type: 'ended', session, reason, elsewhere: false })",
      "      store.dispatch({ type: 'ended', session, reason, elsewhere: false })\n      const epoch = announce(known ? 'unconfirmed' : 'nobody', reason)",
    ],
    [
      rows,
      'a tab takes part before it was asked to',
      'if (met === undefined || !newest || newest.epoch <= met) return',
      'if (!newest || newest.epoch <= (met ?? 0)) return',
    ],
    [
      rows,
      'a tab goes along twice with the same epoch',
      'if (met === undefined || !newest || newest.epoch <= met) return',
      'if (met === undefined || !newest) return',
    ],
    [
      rows,
      'a session that is being found is taken for another',
      'if (held?.session.epoch === newest.epoch) {',
      'if (false) {',
    ],
    [
      rows,
      'a session that is being found counts as met',
      'if (isSignedIn(state)) met = newest.epoch',
      'met = newest.epoch',
    ],
    [rows, 'a sign-in of another tab is joined while this one signs in', 'if (begun && attempts.current()) return', ''],
    [
      rows,
      'a tab follows into a session that it is in',
      'if (!begun || heldIn(store.get())) return',
      'if (!begun) return',
    ],
    [
      rows,
      'the refresh token that only this tab holds is not given back',
      'if (!byCookie && !sealing && tokens?.refreshToken !== undefined) void revoke(tokens)',
      '',
    ],
    [
      rows,
      'the late confirmation of a logout ends the next session',
      "else if (epochs.newest()?.what === 'unconfirmed') announce",
      'else announce',
    ],
    [
      rows,
      'what is stored for a session is taken for that of the one before',
      'return before && before.epoch < epoch ? sealing',
      'return before ? sealing',
    ],
    [rows, 'the end of a session ends the one after it', 'if (heldIn(state)?.session !== session) return', ''],
    [
      rows,
      'a tab that is left alone ends the session of all',
      'if (!local) finish(session, reason)',
      'if (session) finish(session, reason)',
    ],
    [rows, 'a session that was not found is found over and over again', 'met = session.epoch\n', '\n'],
    [rows, 'another tab is not told of an epoch', "share.post({ type: 'epoch', epoch: met })", ''],
    [
      rows,
      'a late logout takes the key of the next session away',
      "reason !== 'replaced' && epochs.newest()?.what !== 'signed-in' && sealing?.forget()",
      'sealing?.forget()',
    ],
  ]),
  ...mutantsOf('src/flow/restore.ts', [
    [
      rows,
      'without a marker the record is not asked',
      'if (!epochs.newest()) epochs.hear((await share.update(() => undefined))?.epoch)',
      '',
    ],
    [
      rows,
      'a restore that was overtaken goes on to look',
      "if (!isCurrent()) return store.snapshot()\n    if (known?.what === 'signed-in')",
      "if (known?.what === 'signed-in')",
    ],
    [
      rows,
      'a restore that was overtaken goes on to find',
      'if (!isCurrent()) return store.snapshot()\n    const now',
      'const now',
    ],
    [
      rows,
      'a session that was idle for too long is found',
      'if (isIdle || elapsedMs(session.started, now) > absoluteMs) {',
      'if (false) {',
    ],
    [
      rows,
      'tabs that open together all ask the server',
      'if (!isCurrent() || (!ask && epochs.newest())) return undefined',
      'if (!isCurrent()) return undefined',
    ],
    [
      rows,
      'a session that another tab has found meanwhile is not joined',
      "if (isCurrent() && !tokens && !ask && known?.what === 'signed-in')",
      'if (false)',
    ],
    [
      rows,
      'a visitor without a session overwrites the sign-in of another tab',
      "if (isCurrent() && !epochs.newest()) epochs.begin('nobody'",
      "if (isCurrent()) epochs.begin('nobody'",
    ],
    [
      rows,
      'a visitor without a session is asked for each time',
      "if (isCurrent() && !epochs.newest()) epochs.begin('nobody', 'logout', started.wall)",
      '',
    ],
    [
      rows,
      'the failure of a restore that was overtaken is told',
      'if (!isCurrent()) return store.snapshot()\n      throw failure.error',
      'throw failure.error',
    ],
    [rows, 'a logout that nobody confirmed is not repeated', "if (known?.what === 'unconfirmed') repeat()", ''],
  ]),
  ...mutantsOf('src/flow/schedule.ts', [
    [
      rows,
      'a tab that was idle asks nobody',
      'void confirm()\n      return undefined',
      "end(state.session, 'idle')\n      return undefined",
    ],
    [
      rows,
      'the record of the last activity is not heeded',
      'if (record?.epoch === asked.epoch) heard(record.active)',
      '',
    ],
    [
      rows,
      'the activity of another session counts',
      'if (record?.epoch === asked.epoch) heard(record.active)',
      'if (record) heard(record.active)',
    ],
    [
      rows,
      'what was asked for one session ends the next',
      'if (!asked || session !== asked) return',
      'if (!session) return',
    ],
    [rows, 'each use is told to all tabs', ' || Math.abs(now.wall - toldAt) < idleMs / 10', ''],
    [rows, 'the first use of a session is not told', '      toldAt = 0\n', ''],
    [rows, 'a clock that is ahead keeps a session alive', 'agoMs >= 0 && ', ''],
    [rows, 'an older activity replaces a newer one', ' && at > active.wall', ''],
    [rows, 'no message tells of a use', "share.post({ type: 'used', epoch, at: toldAt })", ''],
    [
      rows,
      'the record does not tell of a use',
      'void share.update((record) => (record?.epoch === epoch ? { ...record, active: now.wall } : undefined))',
      '',
    ],
    [rows, 'a tab that wakes without a marker does not read the record', '        epochs.hear(record?.epoch)\n', ''],
    [rows, 'a tab that is used does not look what others did', '    used(now) {\n      notice()', '    used(now) {'],
  ]),
  ...mutantsOf('src/flow/send.ts', [
    [
      rows,
      'a request goes out before others were asked whether all is idle',
      'if (!tokens || schedule.isIdle()) return undefined',
      'if (!tokens) return undefined',
    ],
    [
      rows,
      'a tab that slept sends bare after a sign-in elsewhere',
      "if (store.get().status === 'signed-out') notice()",
      '',
    ],
  ]),
  ...mutantsOf('src/flow/calls.ts', [
    [rows, 'the calls of one tab are made at once', 'const before = last', 'const before = undefined'],
    [
      rows,
      'the lock is let go while the call is made',
      'begin()\n          return over',
      'begin()\n          return Promise.resolve()',
    ],
    [rows, 'a turn is over while the cookie of its call may come', 'if (byCookie && made) await', 'if (false) await'],
    [rows, 'a lock that nobody grants is waited for', 'const stop = timer(begin, lockMs())', 'const stop = () => {}'],
    [
      rows,
      'what is sent with a cookie is aborted',
      'if (!byCookie) controller.abort(error)',
      'controller.abort(error)',
    ],
    [rows, 'a logout waits for its turn though the page is left', "if (moment === 'leave') begin()", ''],
    [rows, 'who has got tokens still waits for the lock', '        waiting.abort()\n', ''],
  ]),
  ...mutantsOf('src/flow/attempts.ts', [
    [rows, 'a tab whose own sign-in came to nothing does not join that of another', 'if (!current) over()', ''],
  ]),
  ...mutantsOf('src/manager.ts', [
    [rows, 'a message about a newer epoch is not heeded', 'parts.epochs.hear(message.epoch)', ''],
    [
      rows,
      'the tab that holds the refresh token does not say that it is at work',
      "share.post({ type: 'coming', epoch: held.session.epoch })",
      '',
    ],
    [
      rows,
      'the tab that holds the refresh token does nothing for the others',
      "refresh(held, 'requested').catch(() => {})",
      '',
    ],
  ]),
]
