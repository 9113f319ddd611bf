import type { Entry } from '../../../src/testing/sim/checker/history.ts'
import { LIFETIME_MS } from '../../../src/testing/sim/plan.ts'
import { EXPIRED, saw, type Story } from './plan.ts'

const modes = ['stored', 'memory'] as const
const window = { nonces: 'window', announced: false, challenges: 0 } as const

/** How often a proof was refused: of a call to the source, or of a request. */
function challenged(seen: readonly Entry[], what: 'learned' | 'replied', how = 'use_dpop_nonce'): number {
  return seen.filter((entry) => entry.what === what && entry.challenge === how).length
}

/** Requests that were answered, by where they went. */
function answered(seen: readonly Entry[], api: string): number {
  return seen.filter((entry) => entry.what === 'replied' && entry.status === 200 && entry.url?.includes(api)).length
}

/** Theme K, and tokens that are not the session's own: proofs of possession, APIs with tokens of their own. */
export const proofs: readonly Story[] = [
  {
    name: 'F132: a nonce that is asked for at a sign-in, at a refresh and by an API costs one more attempt',
    modes,
    plan: { proofs: window },
    steps: ['all request', 'pass 1000', EXPIRED, 'all request', 'pass 5000'],
    happened: (seen) =>
      challenged(seen, 'learned') >= 2 && challenged(seen, 'replied') >= 3 && saw.settled(seen, '200') === 6,
  },
  {
    name: 'F134, F142: a request whose token was refused goes again with a proof of its own',
    modes,
    plan: { proofs: { ...window, announced: true } },
    steps: ['1 request', 'pass 1000', 'forget', 'all request', 'pass 5000'],
    happened: (seen) => saw.asked(seen) >= 1 && saw.settled(seen, '200') === 4,
  },
  {
    name: 'F135: a nonce that comes with any answer is the next one',
    modes,
    plan: { tabs: 1, proofs: { nonces: 'single', announced: true, challenges: 0 } },
    steps: ['1 request', 'pass 1000', '1 request', 'pass 1000', '1 request', 'pass 1000'],
    happened: (seen) => challenged(seen, 'replied') === 1 && saw.settled(seen, '200') === 3,
  },
  {
    name: 'F136: an API that is never content with a nonce is asked twice',
    modes,
    plan: { tabs: 1, proofs: window },
    steps: ['1 request', 'pass 1000', 'demand 100', '1 request', 'pass 5000'],
    happened: (seen) => saw.settled(seen, '401') === 1 && challenged(seen, 'replied') === 3,
  },
  {
    name: 'F132, F136: a server of tokens that wants another nonce each time is asked again later',
    modes,
    plan: { tabs: 2, proofs: window },
    steps: ['demand 100', EXPIRED, '1 request', 'pass 20000', 'demand 0', 'pass 60000', 'all request', 'pass 1000'],
    happened: (seen) => challenged(seen, 'learned') >= 3 && saw.settled(seen, '200') === 2,
  },
  {
    name: 'F138: the clock of a device that is a day wrong costs each page one proof',
    modes,
    plan: { tabs: 2, skewMs: 86_400_000, proofs: { ...window, nonces: 'none' } },
    steps: ['all request', 'pass 1000', 'all request', 'pass 1000'],
    happened: (seen) => challenged(seen, 'replied', 'invalid_dpop_proof') === 1 && saw.settled(seen, '200') === 4,
  },
  {
    name: 'F68, F134: a token that has expired when its proof is made anew is not sent',
    modes,
    plan: { tabs: 1, proofs: window },
    steps: ['1 request', 'sleep 3600000', 'pass 5000'],
    happened: (seen) => saw.asked(seen) >= 1 && saw.settled(seen, '200') === 1,
  },
  {
    name: 'F68, F134: a token that expires while its proof waits for its turn is not sent',
    modes,
    plan: {
      tabs: 1,
      proofs: window,
      weather: { lost: 0, doubled: 0, messageMs: 1, recordMs: 1, lockMs: 1, serverMs: 200 },
    },
    steps: ['pass 298000', '1 request', 'pass 430', '1 request', 'pass 5000'],
    happened: (seen) => {
      const late = seen.flatMap((entry) =>
        entry.what === 'sent' && entry.at > LIFETIME_MS ? [entry.authorization] : [],
      )
      return late.length === 1 && late[0]?.endsWith('.2') === true
    },
  },
  {
    name: 'F134: with a new proof goes the newest token',
    modes,
    plan: {
      tabs: 1,
      proofs: { nonces: 'single', announced: true, challenges: 0 },
      weather: { lost: 0, doubled: 0, messageMs: 1, recordMs: 1, lockMs: 1, serverMs: 200 },
    },
    // The first of two begins the refresh, and the second is challenged after it.
    steps: [
      'pass 1000',
      '1 request',
      'pass 243000',
      '1 request',
      'pass 250',
      'demand 100',
      '1 request',
      'pass 300',
      'demand 0',
      'pass 10000',
    ],
    happened: (seen) => {
      const refreshed = seen.findIndex((entry) => entry.what === 'event' && entry.type === 'refreshed')
      const later = seen.slice(refreshed).flatMap((entry) => (entry.what === 'sent' ? [entry.authorization] : []))
      return refreshed > 0 && later.length > 0 && later.every((token) => token?.endsWith('.2'))
    },
  },
  {
    name: 'F13, F132: a refresh whose proof was refused is not tried again for a session that was ended meanwhile',
    modes,
    plan: {
      tabs: 1,
      proofs: window,
      weather: { lost: 0, doubled: 0, messageMs: 1, recordMs: 1, lockMs: 1, serverMs: 200 },
    },
    steps: ['pass 1000', EXPIRED, '1 request', 'pass 250', '1 logout', 'pass 5000'],
    happened: (seen) => challenged(seen, 'learned') >= 2 && saw.asked(seen) === 1,
  },
  {
    name: 'F14, F132: nor is it where another tab has ended it',
    modes: ['stored'],
    plan: {
      tabs: 2,
      proofs: window,
      weather: { lost: 100, doubled: 0, messageMs: 1, recordMs: 1, lockMs: 1, serverMs: 200 },
    },
    steps: ['pass 1000', EXPIRED, '1 request', 'pass 450', '2 logout', 'pass 5000'],
    happened: (seen) => saw.event(seen, 'signed-out', 'logout') === 2 && challenged(seen, 'learned') >= 2,
  },
  {
    name: 'D-18: a server that forgets the key is not believed: its token is not used, and the next one is asked for',
    modes,
    plan: { tabs: 2, proofs: { ...window, nonces: 'none' }, fates: { refresh: ['bearer'] } },
    steps: ['1 login bob', 'pass 1000', EXPIRED, 'all request', 'pass 70000', 'all request', 'pass 5000'],
    happened: (seen) => saw.event(seen, 'refresh-failed') === 1 && saw.settled(seen, '200') >= 2,
  },
  {
    name: 'D-18: a sign-in that comes to a token without its key has failed',
    modes,
    plan: { tabs: 1, proofs: { ...window, nonces: 'none' }, fates: { login: ['bearer'] } },
    steps: ['1 request', 'pass 1000', '1 login ann', 'pass 1000', '1 request', 'pass 1000'],
    happened: (seen) => saw.settled(seen, 'malformed_response') === 1 && saw.sent(seen) === 1,
  },
  {
    name: 'D-18: whoever has said that he takes it uses it, and refreshes with the key',
    modes,
    plan: { tabs: 2, allowBearer: true, proofs: { ...window, nonces: 'none' }, fates: { refresh: ['bearer'] } },
    steps: ['1 login bob', 'pass 1000', EXPIRED, 'all request', 'pass 5000', EXPIRED, 'all request', 'pass 5000'],
    happened: (seen) =>
      seen.some((entry) => entry.what === 'sent' && entry.authorization?.startsWith('Bearer ')) &&
      saw.event(seen, 'refresh-failed') === 0 &&
      saw.settled(seen, '200') === 4,
  },
  {
    name: 'F140, F141: where a key is not kept the session is that of the page which has made it, and a new sign-in is good',
    modes: ['stored'],
    plan: { tabs: 2, proofs: window },
    steps: ['weather keys losing', '1 login ann', 'pass 1000', 'all request', 'pass 5000'],
    happened: (seen) => saw.event(seen, 'signed-out', 'key-lost') === 1,
  },
  {
    name: 'F142: a logout presents with the key of its session nothing that is left of the session before',
    modes: ['stored'],
    plan: { tabs: 2, proofs: window },
    steps: [
      'weather records full',
      'forget',
      '1 request',
      'pass 5000',
      '2 login bob',
      'pass 5000',
      '1 request',
      'pass 1000',
      '1 logout',
      'pass 1000',
    ],
    happened: (seen) => saw.event(seen, 'signed-out', 'logout') >= 1,
  },
  {
    name: 'F29, F133: a page that has slept through the challenge of its refresh does not present the token once more',
    modes: ['stored'],
    plan: {
      tabs: 2,
      proofs: window,
      aims: [{ at: 'decided refresh', nth: 1, to: 'same', act: { do: 'freeze', deaf: false }, soon: false }],
    },
    steps: [EXPIRED, '1 request', 'pass 16000', '2 request', 'pass 16000', '1 thaw', 'pass 5000'],
    happened: (seen) => saw.what(seen, 'thawed') === 1 && saw.event(seen, 'refreshed') >= 1,
  },
  {
    name: 'an API with tokens of its own gets those, from each tab, and one refresh brings them',
    plan: { apis: ['narrow'] },
    steps: ['all request reports', 'pass 2000', 'all request', 'all request reports', 'pass 2000'],
    happened: (seen) => answered(seen, 'reports') === 6 && saw.asked(seen) === 1,
  },
  {
    name: 'F87: a token for one API that was refused right after its refresh is not refreshed again',
    plan: { tabs: 1, apis: ['narrow'] },
    steps: ['refuse', '1 request reports', 'pass 5000', '1 request reports', 'pass 5000'],
    happened: (seen) => saw.asked(seen) === 1 && saw.settled(seen, '401') === 2,
  },
  {
    name: 'F87: a token for one API that another tab has handed over is not refreshed either',
    plan: { tabs: 2, apis: ['narrow'] },
    steps: ['refuse', 'all request reports', 'pass 5000'],
    happened: (seen) => saw.asked(seen) === 1 && saw.settled(seen, '401') === 2,
  },
  {
    name: 'a token that is good for one request is sent once, by one tab',
    plan: { apis: ['once'] },
    steps: ['all request pay', 'all request pay', 'pass 5000'],
    happened: (seen) => answered(seen, 'pay') === 6,
  },
  {
    name: 'a token that is good for one request is not sent again when its proof was refused',
    modes,
    plan: { tabs: 2, apis: ['once'], proofs: window },
    steps: ['all request pay', 'pass 5000', 'pass 31000', 'all request pay', 'pass 5000'],
    happened: (seen) => answered(seen, 'pay') === 4 && challenged(seen, 'replied') >= 2,
  },
]
