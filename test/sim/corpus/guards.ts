import { EXPIRED, saw, type Story } from './plan.ts'

const slow = { lost: 0, doubled: 0, messageMs: 1, recordMs: 1, lockMs: 1, serverMs: 200 } as const
const silent = { lost: 100, doubled: 0, messageMs: 1, recordMs: 1, lockMs: 1, serverMs: 5 } as const
const hesitant = { ...silent, recordMs: 400 } as const

/** Aimed at lines that chance comes to once in thousands of seeds. */
export const guards: readonly Story[] = [
  {
    name: 'F73: a logout is told to the server after the answer to a refresh, with the cookie that it has brought',
    modes: ['cookie'],
    plan: { tabs: 1, weather: slow },
    steps: ['pass 1000', EXPIRED, '1 request', 'pass 50', '1 logout', 'pass 5000'],
    happened: (seen) => saw.presented(seen, 'logout').join() === 'sim-rt-2',
  },
  {
    name: 'F73: so it is when that answer takes longer than anybody waits',
    modes: ['cookie'],
    plan: { tabs: 1, fates: { refresh: ['slow'] }, weather: { ...slow, serverMs: 3_000 } },
    steps: [EXPIRED, '1 request', 'pass 10300', '1 logout', 'pass 20000'],
    happened: (seen) => saw.presented(seen, 'logout').join() === 'sim-rt-2',
  },
  {
    name: 'F85: a login that was given up ends the session whose cookie its answer has replaced',
    modes: ['cookie'],
    plan: { tabs: 1, weather: slow },
    steps: ['pass 1000', '1 login bob', 'pass 50', '1 abort', 'pass 5000'],
    happened: (seen) =>
      seen.some((entry) => entry.what === 'event' && entry.type === 'signed-out' && entry.event['elsewhere'] === false),
  },
  {
    name: 'F81: a request that nothing can stop is over for its caller when its session is',
    plan: { tabs: 1, weather: slow },
    steps: ['pass 1000', '1 request unstoppable', 'pass 50', '1 logout', 'pass 5000'],
    happened: (seen) => saw.settled(seen, 'signed_out') === 1,
  },
  {
    name: 'F23: an answer that comes after two later ones takes the record nowhere',
    modes: ['cookie', 'stored'],
    plan: {
      tabs: 2,
      aims: [{ at: 'decided refresh', nth: 1, to: 'same', act: { do: 'freeze', deaf: true }, soon: false }],
      graceMs: 60_000,
    },
    steps: [
      EXPIRED,
      '1 request',
      'pass 20',
      '2 request',
      'pass 31000',
      EXPIRED,
      '2 request',
      'pass 1000',
      '1 thaw',
      'pass 5000',
    ],
    happened: (seen) => saw.asked(seen) === 3 && saw.event(seen, 'signed-out') === 0,
  },
  {
    name: 'F17: who has the lock before the message waits for it',
    seeds: 10,
    plan: { tabs: 2, weather: { ...slow, messageMs: 100, serverMs: 5 } },
    steps: ['pass 1000', EXPIRED, 'all request', 'pass 5000'],
    happened: (seen) => saw.asked(seen) === 1 && saw.settled(seen, '200') === 2,
  },
  {
    name: 'F38: nobody presents a cookie while its successor may still be on its way',
    modes: ['cookie'],
    plan: { tabs: 2, fates: { refresh: ['slow', 'slow'] }, weather: { ...slow, serverMs: 3_000 } },
    steps: ['weather locks missing', EXPIRED, 'all request', 'pass 60000', 'all request', 'pass 10000'],
    happened: (seen) => saw.event(seen, 'signed-out') === 0 && saw.settled(seen, '200') >= 2,
  },
  {
    name: 'F39: a tab that finds no refresh token leaves no mark that keeps its holder away',
    modes: ['stored'],
    plan: { tabs: 2 },
    steps: ['pass 1000', 'clear records', EXPIRED, '2 request', 'pass 2000', '1 request', 'pass 3000'],
    happened: (seen) => saw.settled(seen, '200') >= 1,
  },
  {
    name: 'F64: a tab that ends an idle session does not end the one that has begun meanwhile',
    modes: ['cookie', 'stored'],
    plan: { tabs: 2, idleMs: 600_000, weather: silent },
    steps: ['pass 1000', 'weather marker missing', 'pass 300000', '1 login bob', 'pass 400000'],
    happened: (seen) => saw.signedIn(seen, 'tab 1') && saw.signedIn(seen, 'tab 2'),
  },
  {
    name: "F74: a logout that has waited for its turn does not give back the next user's cookie",
    modes: ['cookie'],
    plan: { tabs: 2, weather: slow },
    steps: ['pass 1000', '2 login bob', 'pass 50', '1 logout', 'pass 5000', '2 request', 'pass 1000'],
    happened: (seen) => saw.presented(seen, 'logout').length === 0 && saw.sent(seen) === 1,
  },
  {
    name: 'F77: a visitor who finds nothing does not take a logout for confirmed that was not',
    modes: ['cookie'],
    plan: { tabs: 2, fates: { logout: ['lost', 'lost'] }, weather: slow },
    steps: [
      '1 logout',
      'pass 3000',
      'weather locks missing',
      'clear marker',
      'clear records',
      '1 reload',
      'pass 50',
      '1 logout',
      'pass 3000',
      'open',
      'pass 3000',
    ],
    happened: (seen) => saw.asked(seen, 'logout') === 3,
  },
  {
    name: 'F77: a logout that nobody has confirmed is told again by the next page',
    modes: ['cookie'],
    plan: { tabs: 1, fates: { logout: ['unreachable'] } },
    steps: ['1 logout', 'pass 15000', '1 reload', 'pass 5000'],
    happened: (seen) => saw.asked(seen, 'logout') === 2,
  },
  {
    name: 'F76: without a marker, and without messages, a page that wakes reads the record',
    modes: ['cookie', 'stored'],
    plan: { tabs: 2, weather: silent },
    steps: ['weather marker missing', 'pass 1000', '1 logout', 'pass 1000', '2 wake', 'pass 1000'],
    happened: (seen) => saw.event(seen, 'signed-out', 'logout') === 2,
  },
  {
    name: 'F74: a tab whose own sign-in comes to nothing joins that of another',
    modes: ['stored', 'memory'],
    plan: { tabs: 2, fates: { login: ['answered', 'unheard'] } },
    steps: ['1 logout', 'pass 1000', '2 login bob', 'pass 100', '1 login ann', 'pass 20000'],
    happened: (seen) => saw.signedIn(seen, 'tab 1') && saw.signedIn(seen, 'tab 2'),
  },
  {
    name: 'F41: a refresh token that is spent does not stay in a record that has lost what it was given',
    modes: ['stored'],
    plan: {
      tabs: 1,
      aims: [{ at: 'asked refresh', nth: 2, to: 'same', act: { do: 'reload' }, soon: false }],
    },
    steps: [
      'weather records losing',
      EXPIRED,
      '1 request',
      'pass 1000',
      'weather records working',
      EXPIRED,
      '1 request',
      'pass 40000',
    ],
    happened: (seen) => saw.asked(seen) === 2 && saw.what(seen, 'opened') === 2,
  },
  {
    name: 'F76: a session that ends while it is looked for is not found',
    plan: { tabs: 2, idleMs: 600_000, weather: hesitant },
    steps: ['pass 3000', '2 reload', 'pass 100', '1 logout', 'pass 5000'],
    happened: (seen) => saw.event(seen, 'signed-out', 'logout') >= 1 && !saw.signedIn(seen, 'tab 3'),
  },
]
