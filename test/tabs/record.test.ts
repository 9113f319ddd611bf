import { describe, expect, test } from 'vitest'
import {
  claim,
  type Claiming,
  parseRecord,
  type TabRecord,
  toCommit,
  toEntered,
  toEntering,
  toEpoch,
  toKnown,
  toOutcome,
} from '../../src/tabs/record.ts'

const NOW = 1_000_000
const mine: Claiming = { epoch: 7, sequence: 3, by: 'me', now: NOW, until: NOW + 15_000, force: false }
const other = { by: 'another', since: NOW - 1_000, until: NOW + 9_000 }

function recordOf(part: Partial<TabRecord> = {}): TabRecord {
  return { version: 1, epoch: 7, sequence: 3, active: NOW, ...part }
}

describe('a new epoch', () => {
  test('takes the place of an older one, and of nothing', () => {
    const fresh = { version: 1, epoch: 8, sequence: 1, active: NOW, sealed: 'new' }
    expect(toEpoch(8, NOW, { sealed: 'new' })(recordOf({ sealed: 'old', presented: other }))).toEqual(fresh)
    expect(toEpoch(8, NOW, { sealed: 'new' })(undefined)).toEqual(fresh)
  })

  test('leaves a newer one alone', () => {
    expect(toEpoch(6, NOW, { sealed: 'late' })(recordOf())).toBeUndefined()
  })

  test('adds what is sealed to a record that another tab has claimed before, and keeps its mark', () => {
    const claimed = recordOf({ sequence: 1, presented: other })
    expect(toEpoch(7, NOW, { sealed: 'sealed' })(claimed)).toEqual({ ...claimed, sealed: 'sealed' })
  })

  test('F40: does not put the first refresh token in the place of one that came after it', () => {
    expect(toEpoch(7, NOW, { sealed: 'first' })(recordOf({ sequence: 2, sealed: 'second' }))).toBeUndefined()
  })
})

describe('a claim', () => {
  test('writes its mark ahead, into the record or in the place of none', () => {
    const presented = { by: 'me', since: NOW, until: NOW + 15_000 }
    expect(claim(recordOf({ sealed: 's' }), mine)).toEqual({
      verdict: 'mine',
      doubtful: false,
      entered: false,
      sealed: 's',
      next: recordOf({ sealed: 's', presented }),
    })
    expect(claim(undefined, mine).next).toEqual(recordOf({ presented }))
  })

  test('goes by nothing of an older session: neither its mark, nor its wait, nor what it has sealed', () => {
    const retry = { ...other, hold: other.until }
    const older = recordOf({ epoch: 6, sequence: 9, presented: other, retry, sealed: 'of the old one' })
    expect(claim(older, mine)).toMatchObject({
      verdict: 'mine',
      doubtful: false,
      entered: false,
      sealed: undefined,
    })
  })

  test('is refused when another session has begun', () => {
    expect(claim(recordOf({ epoch: 8 }), mine)).toEqual({ verdict: 'over' })
  })

  test('is refused when there are newer tokens', () => {
    expect(claim(recordOf({ sequence: 4 }), mine)).toEqual({ verdict: 'newer', sequence: 4 })
  })

  test('is refused while another tab is at it, and then is doubtful', () => {
    const busy = recordOf({ presented: other })
    expect(claim(busy, mine)).toEqual({ verdict: 'busy', until: other.until })
    expect(claim(busy, { ...mine, now: other.until })).toMatchObject({ verdict: 'mine', doubtful: true })
  })

  test('is not refused for the mark of the same tab', () => {
    expect(claim(recordOf({ presented: { ...other, by: 'me' } }), mine)).toMatchObject({ verdict: 'mine' })
  })

  test('F56: waits for all of a mark that seems to come from the future, once', () => {
    const ahead = recordOf({ presented: { by: 'another', since: NOW + 3_600_000, until: NOW + 3_610_000 } })
    const { next, ...verdict } = claim(ahead, mine)
    expect(verdict).toEqual({ verdict: 'busy', until: NOW + 10_000 })
    const later = claim(next, { ...mine, now: NOW + 10_000 })
    expect(later).toMatchObject({ verdict: 'mine', doubtful: true })
  })

  test('F16: is too early before the end of a wait; before its hold, also if it must be', () => {
    const waiting = recordOf({ retry: { since: NOW - 1_000, until: NOW + 60_000, hold: NOW + 5_000 } })
    const forced = { ...mine, force: true }
    expect(claim(waiting, mine)).toEqual({ verdict: 'early', until: NOW + 60_000 })
    expect(claim(waiting, forced)).toEqual({ verdict: 'early', until: NOW + 5_000 })
    const begun = recordOf({ retry: { since: NOW, until: NOW + 60_000, hold: NOW } })
    expect(claim(begun, mine)).toEqual({ verdict: 'early', until: NOW + 60_000 })
    expect(claim(waiting, { ...forced, now: NOW + 5_000 })).toMatchObject({ verdict: 'mine' })
    expect(claim(waiting, { ...mine, now: NOW + 60_000 })).toMatchObject({ verdict: 'mine' })
  })

  test('takes a mark that was made in this very millisecond for what it is', () => {
    const presented = { ...other, since: NOW }
    expect(claim(recordOf({ presented }), mine)).toEqual({ verdict: 'busy', until: other.until })
  })

  test.each([
    ['that began in this millisecond', { since: NOW, until: NOW + 9_000 }, NOW + 1_000],
    ['that may take long', { since: NOW - 1, until: NOW + 9_000 }, NOW + 1_000],
    ['that is nearly over', { since: NOW - 1, until: NOW + 300 }, NOW + 300],
  ])('looks again after a while during a sign-in by cookie %s', (_, span, until) => {
    const entering = { ...span, by: 'another' }
    expect(claim(recordOf({ entering }), mine)).toEqual({ verdict: 'busy', until })
  })

  test.each([
    ['is over', { since: NOW - 9_000, until: NOW }],
    ['F56: seems to come from the future', { since: NOW + 1, until: NOW + 9_000 }],
  ])('is not held up by a sign-in that %s, but says that the cookie may be of another', (_, span) => {
    const claimed = claim(recordOf({ entering: { ...span, by: 'another' } }), mine)
    expect(claimed).toMatchObject({ verdict: 'mine', entered: true })
  })

  test('F56: does not heed a wait that seems to come from the future', () => {
    const ahead = recordOf({ retry: { since: NOW + 3_600_000, until: NOW + 3_660_000, hold: NOW + 3_660_000 } })
    expect(claim(ahead, mine)).toMatchObject({ verdict: 'mine' })
  })

  test('F128: brings a record that has lost data up to its own sequence', () => {
    expect(claim(recordOf({ sequence: 1 }), mine).next).toMatchObject({ sequence: 3 })
  })

  test('F41: takes no refresh token from a record that has lost what was given to it, and leaves none in it', () => {
    const { next, ...verdict } = claim(recordOf({ sequence: 2, sealed: 'spent' }), mine)
    expect(verdict).toMatchObject({ verdict: 'mine', sealed: undefined })
    expect(next).toMatchObject({ sequence: 3, sealed: undefined })
  })
})

describe('what comes of a claim', () => {
  const claimed = recordOf({ presented: { by: 'me', since: NOW, until: NOW + 15_000 } })
  const outcome = { presented: undefined, sealed: 'new' }
  const committed = { sealed: 'new' }

  test('an outcome is written while the claim stands', () => {
    expect(toOutcome(mine, outcome)(claimed)).toEqual({ ...claimed, ...outcome })
  })

  test.each([
    ['of another session', toEpoch(8, NOW)],
    ['that has newer tokens', toCommit(mine, committed)],
  ])('F22: an outcome is not written into a record %s, which has taken the claim away', (_, change) => {
    const after = change(claimed)
    expect(after?.presented).toBeUndefined()
    expect(toOutcome(mine, outcome)(after)).toBeUndefined()
  })

  test.each([
    ['that nobody has claimed', { presented: undefined }],
    ['that another tab has claimed', { presented: { ...other, since: NOW } }],
    ['that the same tab has claimed anew', { presented: { ...claimed.presented!, since: NOW + 1 } }],
  ])('F22: an outcome is not written into a record %s', (_, part) => {
    expect(toOutcome(mine, outcome)({ ...claimed, ...part })).toBeUndefined()
  })

  test('new tokens are written, and take their claim away', () => {
    const next = { ...claimed, ...committed, sequence: 4, presented: undefined }
    expect(toCommit(mine, committed)(claimed)).toEqual(next)
  })

  test.each([
    ['another tab', other],
    ['the same tab, anew', { ...claimed.presented!, since: NOW + 1 }],
  ])('new tokens are written, though %s has claimed to be at it, and its claim stands', (_, presented) => {
    const next = { ...claimed, ...committed, sequence: 4, presented }
    expect(toCommit(mine, committed)({ ...claimed, presented })).toEqual(next)
  })

  test.each([
    ['another session has begun', { epoch: 8 }],
    ['there are newer ones', { sequence: 4 }],
  ])('F23: new tokens are not written when %s', (_, part) => {
    expect(toCommit(mine, committed)({ ...claimed, ...part })).toBeUndefined()
  })
})

test('nothing that is known of a session is written where there is no record', () => {
  for (const change of [
    toOutcome(mine, {}),
    toCommit(mine, {}),
    toEntering('me', NOW, 1),
    toEntered('me'),
    toKnown(7),
  ]) {
    expect(change(undefined)).toBeUndefined()
  }
})

describe('a sign-in by cookie', () => {
  const entering = { by: 'me', since: NOW, until: NOW + 15_000 }

  test('is written ahead, unless there is a doubt already', () => {
    expect(toEntering('me', NOW, 15_000)(recordOf())).toEqual(recordOf({ entering }))
    expect(toEntering('me', NOW + 1, 15_000)(recordOf({ entering }))).toBeUndefined()
  })

  test('that came to nothing leaves no doubt, unless it is that of another', () => {
    expect(toEntered('me')(recordOf({ entering }))).toEqual(recordOf({ entering: undefined }))
    expect(toEntered('another')(recordOf({ entering }))).toBeUndefined()
    expect(toEntered('me')(recordOf())).toBeUndefined()
  })

  test('of the user of this session leaves no doubt, whoever signed in', () => {
    expect(toKnown(7)(recordOf({ entering }))).toEqual(recordOf({ entering: undefined }))
    expect(toKnown(8)(recordOf({ entering }))).toBeUndefined()
  })
})

test.each([{ version: 2 }, { version: '1' }, { epoch: 'later' }, { sequence: NaN }, { active: undefined }])(
  'F30: a record with %o is foreign',
  (part) => {
    expect(parseRecord(recordOf())).toEqual(recordOf())
    expect(parseRecord({ ...recordOf(), ...part })).toBe('foreign')
  },
)
