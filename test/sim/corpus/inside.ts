import { EXPIRED, saw, type Story } from './plan.ts'

/** Themes A, D and E: refreshes, failures and time. */
export const inside: readonly Story[] = [
  {
    name: 'F01: 15 parallel calls at expiry make one refresh',
    plan: { tabs: 1 },
    steps: [EXPIRED, ...Array<string>(15).fill('1 getAccessToken'), 'pass 100'],
    happened: (seen) => saw.asked(seen) === 1 && saw.settled(seen, 'done') >= 15,
  },
  {
    name: 'F02: a timer and a refused token ask for one refresh',
    plan: {},
    steps: ['1 request', 'pass 240000', 'forget', 'all request', 'pass 5000'],
    happened: (seen) => saw.asked(seen) <= 2 && saw.asked(seen) >= 1,
  },
  {
    name: 'F03: a refresh that begins when another ends is one that others can join',
    plan: { tabs: 2 },
    steps: [EXPIRED, '1 request', 'pass 20', 'forget', '1 request', '1 request', '1 request', 'pass 100'],
    happened: (seen) => saw.asked(seen) === 2,
  },
  {
    name: 'F04: a late 401 for the token before causes no refresh',
    plan: { tabs: 2, weather: { lost: 0, doubled: 0, messageMs: 1, recordMs: 1, lockMs: 1, serverMs: 200 } },
    steps: ['forget', '1 request', 'pass 300', '1 request', 'pass 3000'],
    happened: (seen) => saw.asked(seen) === 1 && seen.some((entry) => entry.what === 'replied' && entry.status === 401),
  },
  {
    name: 'F05: requests that begin during a refresh wait for it',
    plan: { tabs: 1, weather: { lost: 0, doubled: 0, messageMs: 1, recordMs: 1, lockMs: 1, serverMs: 200 } },
    steps: [EXPIRED, '1 request', 'pass 50', '1 request', '1 request', 'pass 3000'],
    happened: (seen) => saw.asked(seen) === 1 && saw.sent(seen) === 3,
  },
  {
    name: 'F08: when a refresh fails, whoever waits for it is told',
    plan: { tabs: 1, fates: { refresh: ['503'] } },
    steps: [EXPIRED, '1 request', '1 request', '1 request', 'pass 100'],
    happened: (seen) => saw.settled(seen, 'refresh_unavailable') === 3,
  },
  {
    name: "F10: one caller's abort leaves the refresh to the others",
    plan: { tabs: 2 },
    steps: [EXPIRED, '1 request', '1 request', '1 abort', 'pass 1000'],
    happened: (seen) => saw.settled(seen, 'aborted') === 1 && saw.settled(seen, '200') >= 1,
  },
  {
    name: 'F11: a server that never answers holds nobody for longer than the bound',
    plan: { fates: { refresh: ['unheard'] } },
    steps: [EXPIRED, 'all request', 'pass 31000'],
    happened: (seen) => seen.some((entry) => entry.what === 'learned' && !entry.answered) || saw.asked(seen) >= 1,
  },
  {
    name: 'F13: an answer that comes late replaces nothing newer',
    modes: ['cookie', 'stored'],
    plan: { tabs: 2, fates: { refresh: ['slow'] } },
    steps: [EXPIRED, '1 request', 'pass 20', '1 freeze', '2 request', 'pass 40000', '1 thaw', 'pass 5000'],
    happened: (seen) => saw.what(seen, 'frozen') === 1 && saw.asked(seen) >= 1,
  },
  {
    name: 'F47: a network that is gone ends no session',
    plan: {},
    steps: [EXPIRED, 'offline', 'all request', 'pass 60000', 'online', 'pass 10000'],
    happened: (seen) => saw.event(seen, 'signed-out') === 0 && saw.event(seen, 'refresh-failed') >= 1,
  },
  {
    name: 'F48: a minute of 503 ends no session',
    plan: { fates: { refresh: ['503', '500', '503', '500', '503', '503'] } },
    steps: [EXPIRED, 'all request', 'pass 60000', 'all request', 'pass 10000'],
    happened: (seen) => saw.event(seen, 'signed-out') === 0 && saw.asked(seen) >= 3,
  },
  {
    name: 'F50: nobody asks before Retry-After is over',
    plan: { fates: { refresh: ['429'] }, retryAfterS: 120 },
    steps: [EXPIRED, 'all request', 'pass 30000', 'all request', 'all wake', 'pass 80000'],
    happened: (seen) => saw.asked(seen) === 1,
  },
  {
    name: 'F53: while the token is good a failed refresh fails no request',
    plan: { fates: { refresh: ['500', '500', '500'] } },
    steps: ['1 request', 'pass 250000', '1 request', 'pass 5000', '1 request', 'pass 5000'],
    happened: (seen) => saw.event(seen, 'refresh-failed') >= 1 && saw.settled(seen, '200') >= 3,
  },
  {
    name: 'F56: while the server is away it is asked at growing intervals',
    plan: { fates: { refresh: Array<'503'>(30).fill('503') } },
    steps: [EXPIRED, 'all request', 'pass 60000', 'all request', 'pass 60000'],
    happened: (seen) => saw.asked(seen) >= 3 && saw.asked(seen) <= 14,
  },
  {
    name: 'F57: an hour without a network causes hardly a call',
    plan: {},
    steps: [EXPIRED, 'offline', 'all request', 'pass 3600000'],
    happened: (seen) => saw.asked(seen) <= 20,
  },
  {
    name: 'F66: a wall clock that is a day wrong changes nothing',
    plan: { skewMs: -86_400_000 },
    steps: ['all request', EXPIRED, 'all request', 'pass 1000'],
    happened: (seen) => saw.asked(seen) === 1 || saw.asked(seen) === 2,
  },
  {
    name: 'F68: tokens that the machine has slept through with are not sent',
    modes: ['stored', 'memory'],
    plan: {
      tabs: 1,
      aims: [{ at: 'learned refresh', nth: 1, to: 'same', act: { do: 'sleep', ms: 3_600_000 }, soon: false }],
    },
    steps: [EXPIRED, '1 request', 'pass 20000', '1 request', 'pass 1000'],
    happened: (seen) => saw.asked(seen) === 2 && saw.settled(seen, '200') === 1,
  },
  {
    name: 'F87: a token that was refused right after its refresh is refreshed again by no tab',
    plan: { tabs: 2 },
    steps: ['refuse', EXPIRED, '1 request', '2 getAccessToken', 'pass 70000', '2 request', 'pass 5000'],
    happened: (seen) => saw.asked(seen) === 1 && saw.settled(seen, '401') === 2,
  },
  {
    name: 'F100: requests that are refused together are all sent again, once',
    plan: {},
    steps: ['forget', 'all request', 'all request', 'all request', 'pass 3000'],
    happened: (seen) => saw.asked(seen) === 1 && saw.settled(seen, '200') === 9,
  },
  {
    name: 'F155: whatever fails in the background, no rejection is left alone',
    plan: { fates: { refresh: ['portal', 'cut', '500', 'unreachable', 'garbled'] } },
    steps: ['all request', EXPIRED, 'pass 60000'],
    happened: (seen) => saw.what(seen, 'unhandled') === 0 && saw.asked(seen) >= 1,
  },
]
