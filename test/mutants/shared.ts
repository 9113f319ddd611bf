import { type Mutant, mutantsOf } from './mutant.ts'

const rows = 'ROWS'

/** What tabs share: the record, the marker, messages. */
export const shared: readonly Mutant[] = [
  ...mutantsOf('src/tabs/record.ts', [
    [rows, 'an older epoch replaces a newer one', 'if (record && record.epoch > epoch) return undefined', ''],
    [
      rows,
      'what is sealed at the sign-in replaces what came after it',
      'return record.sequence > 1 ? undefined : { ...record, sealed }',
      'return { ...record, sealed }',
    ],
    [
      rows,
      'a claim goes by the record of an older session',
      'record && record.epoch >= epoch ? record : ownMembers',
      'record ?? ownMembers',
    ],
    [
      rows,
      'a session that is over is claimed',
      "if (known.epoch > epoch) return { verdict: { verdict: 'over', epoch: known.epoch } }",
      '',
    ],
    [
      rows,
      'a token is claimed after there are newer ones',
      "if (known.sequence > sequence) return { verdict: { verdict: 'newer', sequence: known.sequence } }",
      '',
    ],
    [rows, 'the mark of another tab is not heeded', 'if (presented && presented.by !== by) {', 'if (false) {'],
    [rows, 'a tab heeds its own mark', 'if (presented && presented.by !== by) {', 'if (presented) {'],
    [
      rows,
      'a mark from a clock that was set back holds until that time comes again',
      'const again = now < presented.since && {',
      'const again = false && {',
    ],
    [
      rows,
      'a mark from a clock that was set back begins anew each time',
      'return again ? { verdict, next: { ...known, presented: again } } : { verdict }',
      'return { verdict }',
    ],
    [
      rows,
      'what another tab was told to wait for is not heeded',
      'if (retry && retry.since <= now && now < retry.until && !force) {',
      'if (false) {',
    ],
    [rows, 'a wait from a clock that was set back holds until that time comes again', 'retry.since <= now && ', ''],
    [
      rows,
      'a network that came back does not cut a wait short',
      ' && now < retry.until && !force',
      ' && now < retry.until',
    ],
    [rows, 'that another tab got no answer is forgotten', 'doubtful: presented !== undefined', 'doubtful: false'],
    [
      rows,
      'a claim leaves a record behind that has lost data',
      'next: { ...known, sequence, presented: {',
      'next: { ...known, presented: {',
    ],
    [
      rows,
      'an outcome is written into the record of another session',
      'record?.epoch === epoch && record.sequence === sequence && record.presented?.by === by',
      'record?.sequence === sequence && record.presented?.by === by',
    ],
    [
      rows,
      'an outcome is written over newer tokens',
      ' && record.sequence === sequence && record.presented?.by === by',
      ' && record.presented?.by === by',
    ],
    [rows, 'an outcome takes the mark of another tab away', ' && record.presented?.by === by', ''],
    [
      rows,
      'tokens are written into the record of another session',
      'record?.epoch === epoch && record.sequence <= sequence',
      'record && record.sequence <= sequence',
    ],
    [
      rows,
      'tokens are written over newer ones',
      'record?.epoch === epoch && record.sequence <= sequence',
      'record?.epoch === epoch',
    ],
    [rows, 'the record of another version is taken for ours', '(version as number) === 1 && [epoch', '[epoch'],
  ]),
  ...mutantsOf('src/tabs/epochs.ts', [
    [
      rows,
      'after a clock was set back an epoch is older than the one before',
      'Math.max(Math.floor(now), Math.floor(newest() / UNIT) + 1)',
      'Math.floor(now)',
    ],
    [rows, 'two tabs that sign in in the same millisecond begin the same epoch', 'Math.floor(random() * TIES)', '0'],
    [rows, 'an older epoch that is heard takes the place of a newer one', ' && (epoch as number) > newest()', ''],
    [
      rows,
      'an older marker takes the place of what was heard',
      'marked > heard && Number.isSafeInteger(marked)',
      'Number.isSafeInteger(marked)',
    ],
    [rows, 'a marker that is no epoch is believed', 'marked > heard && Number.isSafeInteger(marked)', 'marked > heard'],
    [rows, 'a message whose epoch is none is believed', 'Number.isSafeInteger(epoch) && ', ''],
    [rows, 'the marker is not read', 'const marked = Number(marker.read(name))', 'const marked = NaN'],
    [rows, 'the marker is not written', 'marker.write(name, String(heard))', ''],
  ]),
  ...mutantsOf('src/tabs/share.ts', [
    [
      rows,
      'the record of another version is written over',
      "if (record === 'foreign') throw new Error('another version of this package keeps it')",
      "if (record === 'foreign') return (result = change(undefined))",
    ],
    [
      rows,
      'a tab that was frozen takes its record for lost',
      'if (elapsedMs(asked, ports.clock.now()) < 2 * patienceMs) throw error',
      'throw error',
    ],
    [rows, 'a record that does not answer is asked each time', 'if (!alone) {', 'if (!alone || change) {'],
    [rows, 'a channel that failed is asked each time', 'channel = undefined\n', '\n'],
    [rows, 'a disposed tab hears messages', 'if (message && !closed) hear(message)', 'if (message) hear(message)'],
  ]),
  ...mutantsOf('src/tabs/messages.ts', [
    [rows, 'a message of another version is heard', '(version as number) !== 1 || ', ''],
    [rows, 'a message without an epoch is heard', ' || !Number.isFinite(epoch)', ''],
    [rows, 'tokens in a message need no numbers', 'return whole && SENDABLE', 'return SENDABLE'],
    [rows, 'tokens in a message may be anything', 'return whole && SENDABLE.test(accessToken) ? ', 'return whole ? '],
    [
      rows,
      'a message carries the refresh token',
      'return { ...rest, elsewhere, obtainedAt: obtained.wall',
      'return { ...rest, ...{ refreshToken }, elsewhere, obtainedAt: obtained.wall',
    ],
    [
      rows,
      'nobody knows that another tab holds the refresh token',
      'rest.elsewhere || refreshToken !== undefined',
      'false',
    ],
    [rows, 'a token is as old as its message', 'monotonic: now.monotonic - ageMs', 'monotonic: now.monotonic'],
  ]),
]
