import { EXPIRED, saw, type Story } from './plan.ts'

/** A tab opens while the others cannot run, and asks the server; they wake, and send it the tokens that they have. */
const slow: Story['plan'] = {
  tabs: 2,
  weather: { lost: 0, doubled: 0, messageMs: 1, recordMs: 1, lockMs: 1, serverMs: 3_000 },
}
const woken = ['pass 230000', '1 freeze', '2 freeze', 'open', 'pass 1000', '1 thaw', '2 thaw', 'pass 10000']

/** Themes C and F: rotation and lost answers; logout, revival, account switch. */
export const rotation: readonly Story[] = [
  {
    name: 'F36: an answer that is lost after the server has rotated: the token is presented once more, after the deadline',
    plan: { fates: { refresh: ['lost'] } },
    steps: [EXPIRED, 'all request', 'pass 9000', 'pass 25000'],
    happened: (seen) => saw.asked(seen) === 2 && saw.event(seen, 'signed-out', 'unknown-outcome') >= 1,
  },
  {
    name: 'F29, F41: an answer that a tab which was frozen is still storing is not overtaken by another presentation',
    modes: ['stored'],
    seeds: 20,
    plan: {
      tabs: 2,
      weather: { lost: 0, doubled: 0, messageMs: 1, recordMs: 400, lockMs: 1, serverMs: 5 },
      aims: [{ at: 'asked refresh', nth: 1, to: 'same', act: { do: 'freeze', deaf: false }, soon: false }],
    },
    steps: [EXPIRED, '1 request', 'pass 16000', '1 thaw', '2 request', 'pass 5000'],
    happened: (seen) => saw.what(seen, 'thawed') === 1 && saw.event(seen, 'signed-out') === 0,
  },
  {
    name: 'F36: an answer to a later call takes nothing of the doubt away about an earlier one',
    modes: ['stored'],
    plan: { ...slow, tabs: 1, fates: { refresh: ['lost', '503'] } },
    steps: [
      'pass 100000',
      '1 freeze',
      'open',
      'pass 1000',
      '1 thaw',
      'pass 300000',
      '1 request',
      'pass 6400',
      '1 kill',
      'pass 5000',
      '1 request',
      'pass 20000',
    ],
    happened: (seen) =>
      saw.event(seen, 'signed-out', 'unknown-outcome') >= 1 && saw.event(seen, 'signed-out', 'rejected') === 0,
  },
  {
    name: 'F37: a call that times out is not made again at once',
    plan: { tabs: 2, fates: { refresh: ['unanswered'] } },
    steps: [EXPIRED, 'all request', 'pass 9900'],
    happened: (seen) => saw.asked(seen) === 1,
  },
  {
    name: 'F38: a page that reloads while its refresh is under way finds its session, or the mark',
    modes: ['cookie', 'stored'],
    plan: { tabs: 1, aims: [{ at: 'decided refresh', nth: 1, to: 'same', act: { do: 'reload' }, soon: false }] },
    steps: [EXPIRED, '1 request', 'pass 40000'],
    happened: (seen) => saw.what(seen, 'killed') === 1 && saw.what(seen, 'opened') === 2,
  },
  {
    name: 'F39: a record that is full costs no tokens',
    plan: { tabs: 2 },
    steps: ['weather records full', EXPIRED, 'all request', 'pass 20000', 'all request', 'pass 1000'],
    happened: (seen) => saw.event(seen, 'degraded') >= 1 && saw.settled(seen, '200') >= 2,
  },
  {
    name: 'F41: a record that has lost what it was given offers no refresh token that is spent',
    modes: ['stored'],
    plan: { tabs: 1 },
    steps: [
      'weather records losing',
      EXPIRED,
      '1 request',
      'pass 1000',
      'weather records working',
      EXPIRED,
      '1 request',
    ],
    happened: (seen) => saw.asked(seen) >= 2 && saw.event(seen, 'signed-out') === 0,
  },
  {
    name: 'F43, F50: a Retry-After counts, though tokens have come that made its refresh needless',
    modes: ['stored'],
    plan: { ...slow, fates: { refresh: ['429'] }, retryAfterS: 60 },
    steps: [...woken, 'all request', 'pass 40000'],
    happened: (seen) => saw.asked(seen) === 1 && saw.event(seen, 'signed-out') === 0,
  },
  {
    name: 'F41: new tokens take the place of older ones that have come while they were asked for',
    modes: ['stored'],
    plan: slow,
    steps: [...woken.slice(0, -1), 'weather records losing', 'pass 10000', EXPIRED, '3 request', 'pass 10000'],
    happened: (seen) => saw.asked(seen) >= 2 && saw.event(seen, 'signed-out') === 0,
  },
  {
    name: 'F43: a tab that is passed over takes what another has got',
    modes: ['cookie', 'stored'],
    plan: {
      tabs: 2,
      aims: [{ at: 'decided refresh', nth: 1, to: 'same', act: { do: 'freeze', deaf: true }, soon: false }],
      graceMs: 60_000,
    },
    steps: [EXPIRED, '1 request', 'pass 20', '2 request', 'pass 31000', '1 thaw', 'pass 5000'],
    happened: (seen) => saw.event(seen, 'signed-out') === 0,
  },
  {
    name: 'F73: a logout at the moment of the answer: nothing brings the session back',
    plan: { aims: [{ at: 'decided refresh', nth: 1, to: 'other', act: { do: 'logout' }, soon: true }] },
    steps: [EXPIRED, '1 request', 'pass 5000', 'all request', 'pass 1000'],
    happened: (seen) => saw.event(seen, 'signed-out', 'logout') >= 1 && saw.asked(seen) === 1,
  },
  {
    name: "F74: the late failure of the old user's refresh does the new user no harm",
    plan: {
      tabs: 2,
      fates: { refresh: ['refused'] },
      aims: [{ at: 'decided refresh', nth: 1, to: 'other', act: { do: 'login', as: 'bob' }, soon: true }],
    },
    steps: [EXPIRED, '1 request', 'pass 31000'],
    happened: (seen) => saw.asked(seen, 'login') === 2,
  },
  {
    name: "F75: a request of one user never leaves with another's token",
    plan: { tabs: 2, weather: { lost: 0, doubled: 0, messageMs: 1, recordMs: 1, lockMs: 1, serverMs: 200 } },
    steps: ['pass 1000', '2 login bob', EXPIRED, '1 request', '2 request', '2 login ann', '1 request', 'pass 31000'],
    happened: (seen) => saw.asked(seen, 'login') === 3,
  },
  {
    name: 'F76: a logout reaches every tab, also those that sleep',
    plan: { tabs: 4 },
    steps: [
      '2 freeze',
      '3 freeze deaf',
      '1 logout',
      'pass 5',
      '4 request',
      'pass 1000',
      '2 thaw',
      '3 thaw',
      '2 request',
      '3 request',
      'pass 100',
    ],
    happened: (seen) => saw.event(seen, 'signed-out', 'logout') === 4,
  },
  {
    name: 'F81: after a logout nothing that waited signs anybody in',
    plan: { weather: { lost: 0, doubled: 0, messageMs: 1, recordMs: 1, lockMs: 1, serverMs: 200 } },
    steps: ['pass 1000', EXPIRED, 'all request', 'pass 50', '2 logout', 'pass 3000', 'all request', 'pass 1000'],
    happened: (seen) => saw.settled(seen, 'signed_out') >= 1 && saw.asked(seen) <= 1,
  },
  {
    name: 'F82: a session that the server has ended is ended in all tabs, and nobody asks again',
    plan: { tabs: 4, fates: { refresh: ['refused'] } },
    steps: [EXPIRED, 'all request', 'pass 3000', 'all request', 'pass 30000'],
    happened: (seen) => saw.asked(seen) === 1 && saw.event(seen, 'signed-out', 'rejected') === 4,
  },
  {
    name: 'F82: a refusal counts, though older tokens have come while it was on its way',
    modes: ['stored'],
    plan: { ...slow, fates: { refresh: ['refused'] } },
    steps: [...woken, 'all request', 'pass 30000'],
    happened: (seen) => saw.asked(seen) === 1 && saw.event(seen, 'signed-out', 'rejected') === 3,
  },
  {
    name: 'F82: a tab that was given tokens before it asked leaves no mark, and no doubt about a later refusal',
    modes: ['cookie'],
    seeds: 10,
    plan: {
      tabs: 5,
      rotate: false,
      fates: { refresh: ['refused'] },
      weather: { lost: 0, doubled: 0, messageMs: 2_000, recordMs: 400, lockMs: 1, serverMs: 1 },
    },
    steps: ['1 request', 'open', 'pass 299999'],
    happened: (seen) =>
      saw.event(seen, 'signed-out', 'rejected') >= 1 && saw.event(seen, 'signed-out', 'unknown-outcome') === 0,
  },
  {
    name: 'F82: a refusal is told to all, though a login has overtaken the search that met it',
    modes: ['cookie'],
    plan: {
      tabs: 4,
      fates: { refresh: ['refused', '408'] },
      weather: { lost: 100, doubled: 0, messageMs: 1, recordMs: 1, lockMs: 1, serverMs: 3_000 },
    },
    steps: ['pass 1200', '2 login ann', 'pass 60000'],
    happened: (seen) => saw.asked(seen) === 1 && saw.asked(seen, 'login') === 2,
  },
  {
    name: 'F85: after another user has signed in nothing of the one before is found',
    modes: ['stored'],
    plan: { tabs: 2 },
    steps: ['1 login bob', 'pass 100', '2 reload', 'pass 500', 'all request', 'pass 100'],
    happened: (seen) => seen.some((entry) => entry.what === 'sent' && /bob/.test(entry.authorization ?? '')),
  },
  {
    name: 'F75, F85: whose session a tab has found is said by the record, and the cookie may be of another user by now',
    modes: ['cookie'],
    plan: {
      tabs: 1,
      aims: [{ at: 'decided login', nth: 2, to: 'same', act: { do: 'reload' }, soon: false }],
    },
    steps: ['pass 1000', '1 login bob', 'pass 5000', 'all request', 'pass 1000'],
    happened: (seen) => saw.what(seen, 'opened') === 2 && saw.event(seen, 'signed-in') === 1,
  },
  {
    name: 'F75: a page that reloads while the same user signs in again finds the session of that user',
    modes: ['cookie'],
    plan: {
      tabs: 1,
      aims: [{ at: 'decided login', nth: 2, to: 'same', act: { do: 'reload' }, soon: false }],
    },
    // Until the time for an answer to the sign-in is over, nobody presents the cookie.
    steps: ['pass 1000', '1 login ann', 'pass 12000', 'all request', 'pass 1000'],
    happened: (seen) => saw.what(seen, 'opened') === 2 && saw.sent(seen) === 1,
  },
  {
    name: 'F86: tokens that the server takes back lead to one refresh, and its refusal ends the session everywhere',
    plan: { fates: { refresh: ['refused'] } },
    steps: ['forget', '1 request', 'pass 3000', 'all request', 'pass 1000'],
    happened: (seen) => saw.asked(seen) === 1 && saw.event(seen, 'signed-out', 'rejected') >= 3,
  },
  {
    name: 'F129: a crash between the answer and the record leaves the record before, whole',
    modes: ['cookie', 'stored'],
    plan: {
      tabs: 2,
      graceMs: 60_000,
      aims: [{ at: 'learned refresh', nth: 1, to: 'same', act: { do: 'kill' }, soon: false }],
    },
    steps: [EXPIRED, '1 request', 'pass 100', '2 request', 'pass 31000'],
    happened: (seen) => saw.what(seen, 'killed') === 1,
  },
  {
    name: 'F161: a mark that a dead page has left holds until its deadline, and no longer',
    modes: ['cookie', 'stored'],
    plan: {
      tabs: 2,
      graceMs: 600_000,
      fates: { refresh: ['unheard'] },
      aims: [{ at: 'asked refresh', nth: 1, to: 'same', act: { do: 'kill' }, soon: false }],
    },
    steps: [EXPIRED, '1 request', 'pass 100', '1 request', 'pass 9000', 'pass 31000', '1 request', 'pass 31000'],
    happened: (seen) => saw.asked(seen) === 2,
  },
]
