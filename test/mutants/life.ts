import { type Mutant, mutantsOf } from './mutant.ts'

const guardsLife = 'test/tabs/guards-life.test.ts'
const guardsMedia = 'test/tabs/guards-media.test.ts'
const guardsOrder = 'test/tabs/guards-order.test.ts'
const guardsRefresh = 'test/tabs/guards-refresh.test.ts'
const messages = 'test/tabs/messages.test.ts'
const rowsLife = 'test/tabs/rows-life.test.ts'
const rowsLocks = 'test/tabs/rows-locks.test.ts'
const rowsLogout = 'test/tabs/rows-logout.test.ts'
const rowsMedia = 'test/tabs/rows-media.test.ts'

/** How tabs find a session, and how it ends in all of them. */
export const life: readonly Mutant[] = [
  ...mutantsOf('src/flow/sign-out.ts', [
    [
      guardsOrder,
      'a disposed tab goes along with the others',
      'life.aborted || met === undefined',
      'met === undefined',
    ],
    [guardsOrder, 'the end of a session is announced over that of another tab', 'if (!local) notice()', ''],
    [
      guardsOrder,
      'the cookie of the next user is given back',
      "const isLate = byCookie && epochs.newest()?.what === 'signed-in'",
      'const isLate = met === -1',
    ],
    [
      guardsLife,
      'a tab takes part before it was asked to',
      'if (life.aborted || met === undefined || !newest) return',
      'if (life.aborted || !newest) return',
    ],
    [
      guardsLife,
      'a session that is being found is taken for another',
      'if (held?.session.epoch === newest.epoch) {',
      'if (false) {',
    ],
    [
      messages,
      'a sign-in of another tab is joined while this one signs in',
      'if (begun && attempts.current()) return',
      '',
    ],
    [
      rowsLogout,
      'the refresh token that only this tab holds is not given back',
      'void (begun ? unlessGoingOn : revoke)(tokens, unspent)',
      '',
    ],
    [
      guardsLife,
      'the late confirmation of a logout ends the next session',
      "else if (newest && newest.epoch === asked) announce('nobody', newest.reason)",
      "else announce('nobody', 'logout')",
    ],
    [
      guardsLife,
      'the confirmation of a logout is taken for that of another',
      'else if (newest && newest.epoch === asked) announce',
      "else if (newest?.what === 'unconfirmed') announce",
    ],
    [
      guardsOrder,
      'what is stored for a session is taken for that of the one before',
      'if (!before || before.epoch >= epoch || isGoingOn',
      'if (!before || isGoingOn',
    ],
    [guardsOrder, 'the end of a session ends the one after it', 'if (heldIn(state)?.session !== session) return', ''],
    [
      guardsLife,
      'a tab that is left alone ends the session of all',
      'if (!local) finish(reason)',
      'if (session) finish(reason)',
    ],
    [guardsLife, 'a session that was not found is found over and over again', 'met = session.epoch\n', '\n'],
    [rowsLife, 'another tab is not told of an epoch', "share.post({ type: 'epoch', epoch: met })", ''],
    [
      guardsOrder,
      'a late logout takes the key of the next session away',
      "reason !== 'replaced' && epochs.newest()?.what !== 'signed-in' && sealing?.forget()",
      'sealing?.forget()',
    ],
  ]),
  ...mutantsOf('src/flow/restore.ts', [
    [guardsRefresh, 'without a marker the record is not asked', 'if (!epochs.newest()) await share.update()', ''],
    [
      rowsLife,
      'a session that was idle for too long is found',
      'if (isIdle || elapsedMs(session.started, now) > absoluteMs) {',
      'if (false) {',
    ],
    [
      rowsLife,
      'tabs that open together all ask the server',
      "if (!isCurrent() || (before && (!ask || before.what === 'signed-in'))) return undefined",
      'if (!isCurrent()) return undefined',
    ],
    [
      guardsOrder,
      'a session that another tab has found meanwhile is not joined',
      "if (known?.what === 'signed-in') await findKnown(known, isCurrent)\n",
      'if (false) return\n',
    ],
    [
      guardsOrder,
      'the answer to a restore brings back what a logout has ended meanwhile',
      'known?.epoch === before?.epoch ? begin(tokens) : orphan(tokens)',
      'begin(tokens)',
    ],
    [
      guardsOrder,
      'a visitor without a session overwrites the sign-in of another tab',
      "else if (!known) epochs.begin('nobody'",
      "else epochs.begin('nobody'",
    ],
    [
      rowsLife,
      'a visitor without a session is asked for each time',
      "else if (!known) epochs.begin('nobody', 'rejected', started.wall)",
      '',
    ],
    [rowsLogout, 'a logout that nobody confirmed is not repeated', "if (known?.what === 'unconfirmed') repeat()", ''],
  ]),
  ...mutantsOf('src/flow/schedule.ts', [
    [
      guardsLife,
      'a tab that was idle asks nobody',
      'void confirm()\n      return undefined',
      "end(state.session, 'idle')\n      return undefined",
    ],
    [
      guardsLife,
      'the record of the last activity is not heeded',
      'if (record?.epoch === asked.epoch) heard(record.active)',
      '',
    ],
    [guardsLife, 'each use is told to all tabs', ' || Math.abs(now.wall - toldAt) < idleMs / 10', ''],
    [guardsLife, 'the first use of a session is not told', '      toldAt = 0\n', ''],
    [guardsLife, 'a clock that is ahead keeps a session alive', 'agoMs >= 0 && ', ''],
    [guardsOrder, 'an older activity replaces a newer one', ' && at > active.wall', ''],
    [guardsLife, 'no message tells of a use', "share.post({ type: 'used', epoch, at: toldAt })", ''],
    [
      guardsLife,
      'the record does not tell of a use',
      'void share.update((record) => (record?.epoch === epoch ? { ...record, active: now.wall } : undefined))',
      '',
    ],
    [
      rowsLife,
      'a tab that wakes without a marker does not read the record',
      'void share.update().then(notice)',
      'notice()',
    ],
    [
      guardsOrder,
      'a tab that is used does not look what others did',
      'if (life.aborted) return\n      notice()',
      'if (life.aborted) return',
    ],
  ]),
  ...mutantsOf('src/flow/supply.ts', [
    [
      guardsOrder,
      'a request goes out before others were asked whether all is idle',
      'return longEnough && !schedule.isIdle()',
      'return longEnough',
    ],
  ]),
  ...mutantsOf('src/flow/send.ts', [
    [
      guardsOrder,
      'a tab that slept sends bare after a sign-in elsewhere',
      "if (store.get().status === 'signed-out') notice()",
      '',
    ],
  ]),
  ...mutantsOf('src/flow/calls.ts', [
    [guardsRefresh, 'the calls of one tab are made at once', 'const before = last', 'const before = undefined'],
    [
      rowsMedia,
      'the lock is let go while the call is made',
      'return Promise.race([released, over])',
      'return Promise.resolve()',
    ],
    [guardsRefresh, 'a turn is over while the cookie of its call may come', 'if (made) await', 'if (false) await'],
    [
      rowsLocks,
      'a lock that nobody grants is waited for',
      'const stop = timer(begin, patience * requestTimeoutMs)',
      'const stop = () => {}',
    ],
    [
      guardsMedia,
      'what is sent with a cookie is aborted',
      'if (!byCookie) {\n        const stop',
      '{\n        const stop',
    ],
    [guardsMedia, 'a logout waits for its turn though the page is left', "if (moment === 'leave') begin()", ''],
    [guardsOrder, 'who has got tokens still waits for the lock', '        waiting.abort()\n', ''],
  ]),
  ...mutantsOf('src/flow/attempts.ts', [
    [rowsLogout, 'a tab whose own sign-in came to nothing does not join that of another', 'if (!current) over()', ''],
  ]),
  ...mutantsOf('src/manager.ts', [
    [rowsLife, 'a message about a newer epoch is not heeded', 'parts.epochs.hear(message.epoch)', ''],
    [
      guardsRefresh,
      'the tab that holds the refresh token does not say that it is at work',
      "share.post({ type: 'coming', epoch: held.session.epoch })",
      '',
    ],
    [
      guardsRefresh,
      'the tab that holds the refresh token does nothing for the others',
      "refresh(wanted, 'requested').catch(() => {})",
      '',
    ],
  ]),
]
