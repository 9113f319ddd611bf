import { type Mutant, mutantsOf } from './mutant.ts'

const guardsLife = 'test/tabs/guards-life.test.ts'
const guardsMedia = 'test/tabs/guards-media.test.ts'
const marker = 'test/tabs/marker.test.ts'
const messages = 'test/tabs/messages.test.ts'
const record = 'test/tabs/record.test.ts'
const rowsMedia = 'test/tabs/rows-media.test.ts'

/** What tabs share: the record, the marker, messages. */
export const shared: readonly Mutant[] = [
  ...mutantsOf('src/tabs/record.ts', [
    [record, 'an older epoch replaces a newer one', 'if (record && record.epoch > epoch) return undefined', ''],
    [
      record,
      'what is sealed at the sign-in replaces what came after it',
      'return record.sequence > 1 ? undefined : { ...record, ...stored }',
      'return { ...record, sealed }',
    ],
    [
      record,
      'a claim goes by the record of an older session',
      'record && record.epoch >= epoch ? record : ownMembers',
      'record ?? ownMembers',
    ],
    [record, 'a session that is over is claimed', "if (known.epoch > epoch) return { verdict: 'over' }", ''],
    [
      record,
      'a token is claimed after there are newer ones',
      "if (known.sequence > sequence) return { verdict: 'newer', sequence: known.sequence }",
      '',
    ],
    [record, 'the mark of another tab is not heeded', 'if (presented && presented.by !== by) {', 'if (false) {'],
    [record, 'a tab heeds its own mark', 'if (presented && presented.by !== by) {', 'if (presented) {'],
    [
      record,
      'a mark from a clock that was set back holds until that time comes again',
      'const again = now < presented.since && {',
      'const again = false && {',
    ],
    [
      record,
      'a mark from a clock that was set back begins anew each time',
      ', ...(again && { next: { ...known, presented: again } })',
      '',
    ],
    [
      record,
      'what another tab was told to wait for is not heeded',
      'if (early && retry.since <= now && now < early)',
      'if (false)',
    ],
    [record, 'a wait from a clock that was set back holds until that time comes again', 'retry.since <= now && ', ''],
    [
      record,
      'a network that came back does not cut a wait short',
      'retry && (force ? retry.hold : retry.until)',
      'retry && retry.until',
    ],
    [
      record,
      'a network that came back cuts short what the server asked for',
      'retry && (force ? retry.hold : retry.until)',
      'retry && !force && retry.until',
    ],
    [record, 'that another tab got no answer is forgotten', 'doubtful: presented !== undefined', 'doubtful: false'],
    [
      record,
      'a claim leaves a record behind that has lost data',
      'next: { ...known, sealed, sequence, presented: {',
      'next: { ...known, sealed, presented: {',
    ],
    [
      record,
      'an outcome takes the mark of another tab away',
      'presented?.by === by && presented.since',
      'presented?.since',
    ],
    [
      record,
      'tokens are written into the record of another session',
      'record?.epoch === epoch && record.sequence <= sequence',
      'record && record.sequence <= sequence',
    ],
    [
      record,
      'tokens are written over newer ones',
      'record?.epoch === epoch && record.sequence <= sequence',
      'record?.epoch === epoch',
    ],
    [
      record,
      'new tokens take the mark of another tab away',
      'presented: isMarked(record, claiming) ? undefined : record.presented',
      'presented: undefined',
    ],
    [record, 'the record of another version is taken for ours', '(version as number) === 1 && [epoch', '[epoch'],
  ]),
  ...mutantsOf('src/tabs/epochs.ts', [
    [
      marker,
      'after a clock was set back an epoch is older than the one before',
      'Math.max(Math.floor(now), Math.floor(newest() / UNIT) + 1)',
      'Math.floor(now)',
    ],
    [marker, 'two tabs that sign in in the same millisecond begin the same epoch', 'Math.floor(random() * TIES)', '0'],
    [marker, 'an older epoch that is heard takes the place of a newer one', ' && (epoch as number) > newest()', ''],
    [
      marker,
      'an older marker takes the place of what was heard',
      'marked > heard && Number.isSafeInteger(marked)',
      'Number.isSafeInteger(marked)',
    ],
    [
      marker,
      'a marker that is no epoch is believed',
      'marked > heard && Number.isSafeInteger(marked)',
      'marked > heard',
    ],
    [marker, 'a message whose epoch is none is believed', 'Number.isSafeInteger(epoch) && ', ''],
    [marker, 'the marker is not read', 'const marked = Number(text)', 'const marked = NaN'],
    [marker, 'the marker is not written', 'marker.write(name, String(heard))', ''],
  ]),
  ...mutantsOf('src/lib/deadline.ts', [
    [
      guardsMedia,
      'a tab that was frozen takes its record for lost',
      'if (elapsedMs(asked, clock.now()) < 1.05 * ms) throw error',
      'throw error',
    ],
  ]),
  ...mutantsOf('src/tabs/share.ts', [
    [
      'test/tabs/guards-refresh.test.ts',
      'whoever reads the record does not believe that a session is over',
      'if (record) learn(record.epoch)\n',
      '',
    ],
    [
      rowsMedia,
      'the record of another version is written over',
      "if (record === 'foreign') throw new Error('another version of this package keeps it')",
      "if (record === 'foreign') return (result = change(undefined))",
    ],
    [guardsLife, 'a record that does not answer is asked each time', 'if (!alone) {', 'if (!alone || change) {'],
    [
      guardsMedia,
      'a disposed tab hears messages',
      'if (message && !closed) hear(message)',
      'if (message) hear(message)',
    ],
  ]),
  ...mutantsOf('src/tabs/messages.ts', [
    [messages, 'a message of another version is heard', '(version as number) !== 1 || ', ''],
    [messages, 'a message without an epoch is heard', ' || !Number.isFinite(epoch)', ''],
    [messages, 'tokens in a message need no numbers', 'return whole && SENDABLE', 'return SENDABLE'],
    [
      messages,
      'tokens in a message may be anything',
      'return whole && SENDABLE.test(accessToken) ? ',
      'return whole ? ',
    ],
    [
      messages,
      'a message carries the refresh token',
      'return { ...rest, elsewhere, obtainedAt: obtained.wall',
      'return { ...rest, ...{ refreshToken }, elsewhere, obtainedAt: obtained.wall',
    ],
    [
      messages,
      'nobody knows that another tab holds the refresh token',
      'rest.elsewhere || refreshToken !== undefined',
      'false',
    ],
    [messages, 'a token is as old as its message', 'monotonic: now.monotonic - ageMs', 'monotonic: now.monotonic'],
  ]),
]
