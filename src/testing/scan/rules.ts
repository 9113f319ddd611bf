import type { Alert } from '../../session/events.ts'

/** `critical`: somebody can act as the user now. `low`: bad practice, hardly of use to anybody. */
export type Severity = 'low' | 'medium' | 'high' | 'critical'

/** L1 to L8: a token stands where it should not. M1 to M11: a token is used as it should not be. */
export type RuleId =
  `L${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}` | 'M1' | 'M2' | 'M3' | 'M4' | 'M5' | 'M6' | 'M7' | 'M8' | 'M9' | 'M10' | 'M11'

/** What a rule is about, and what to do when it finds something. */
export interface Rule {
  readonly id: RuleId
  /** The same word that the manager's `alert` event says, where it watches for the same thing live. */
  readonly name: string
  readonly severity: Severity
  readonly title: string
  readonly advice: string
  /** Where a standard says so. */
  readonly see: string
}

const rfc = (number: number, section: string): string =>
  `https://www.rfc-editor.org/rfc/rfc${String(number)}.html#section-${section}`

/** Every rule of {@link scan}, in order. */
export const scanRules: readonly Rule[] = [
  {
    id: 'L1',
    name: 'token-in-url',
    severity: 'high',
    title: 'A token stands in a URL',
    advice:
      'Send it in the Authorization header. URLs are kept by servers, proxies, browser histories and analytics: treat this token as stolen and revoke it.',
    see: rfc(6750, '5.3'),
  },
  {
    id: 'L2',
    name: 'token-in-referer',
    severity: 'high',
    title: 'A token was sent on in a Referer',
    advice:
      'Take the token out of the URL of the page, set Referrer-Policy: no-referrer there, and revoke it: another site has it.',
    see: rfc(9700, '4.2'),
  },
  {
    id: 'L3',
    name: 'token-over-http',
    severity: 'high',
    title: 'A token went over http:',
    advice: 'Use https:, and no redirect from http: that the token has to pass first. Revoke what was sent.',
    see: rfc(6750, '5.2'),
  },
  {
    id: 'L4',
    name: 'token-to-foreign-origin',
    severity: 'critical',
    title: 'A token was sent to an origin that is not allowed',
    advice: 'Revoke it, find out who runs that origin, and send tokens only to origins that are listed.',
    see: rfc(9700, '4.10'),
  },
  {
    id: 'L5',
    name: 'token-in-log',
    severity: 'high',
    title: 'A token stands in a log',
    advice:
      'Redact the field before it is logged (pino: redact; winston: a format), delete or rewrite the log, and revoke the token.',
    see: rfc(6750, '5.3'),
  },
  {
    id: 'L6',
    name: 'token-response-cacheable',
    severity: 'medium',
    title: 'A token response may be stored by a cache',
    advice: 'Answer with Cache-Control: no-store wherever tokens are in the body.',
    see: rfc(6749, '5.1'),
  },
  {
    id: 'L7',
    name: 'token-readable-by-scripts',
    severity: 'medium',
    title: 'A token is kept where scripts, or the network, can read it',
    advice:
      'Set the cookie HttpOnly, Secure and SameSite, or keep the token in memory: whatever script runs in the page can read web storage.',
    see: rfc(9700, '4.11'),
  },
  {
    id: 'L8',
    name: 'token-in-file',
    severity: 'high',
    title: 'A token stands in a file that is kept or shared',
    advice:
      'Replace it by a placeholder or a variable (`tokenward sanitize` does so for recordings), remove it from the history of the repository, and revoke it.',
    see: rfc(6750, '5.3'),
  },
  {
    id: 'M1',
    name: 'used-outside-lifetime',
    severity: 'high',
    title: 'A token was used after its expiry, or before it became valid',
    advice: 'Check exp and nbf at the API with at most a minute of leeway, and refresh before sending.',
    see: rfc(7519, '4.1.4'),
  },
  {
    id: 'M2',
    name: 'used-after-end',
    severity: 'high',
    title: 'A token was used after it was revoked, or long after it was replaced',
    advice: 'If the API accepted it: shorten lifetimes or ask the authorization server. Find out who still has it.',
    see: rfc(7009, '2.1'),
  },
  {
    id: 'M3',
    name: 'refresh-token-reused',
    severity: 'critical',
    title: 'A refresh token was presented again after it had been exchanged',
    advice:
      'Either two clients share it (let one refresh for all), or it was stolen: end the session, and let the server do so by itself.',
    see: rfc(9700, '4.14'),
  },
  {
    id: 'M4',
    name: 'used-from-several-places',
    severity: 'high',
    title: 'One token came from different networks and different programs at the same time',
    advice: 'Ask the user, end the session, and bind tokens to a key (DPoP), so that a copy is of no use.',
    see: rfc(9700, '4.10'),
  },
  {
    id: 'M5',
    name: 'wrong-audience',
    severity: 'medium',
    title: 'A token was sent to a host that is not its audience',
    advice: 'Ask for a token for each API (resource indicators), and check aud at the API.',
    see: rfc(9700, '2.3'),
  },
  {
    id: 'M6',
    name: 'suspect-signature',
    severity: 'critical',
    title: 'A token is unsigned, or its algorithm or key id changed suspiciously',
    advice: 'Accept only the algorithms that the issuer uses, and look a kid up among its keys, nowhere else.',
    see: rfc(8725, '3.1'),
  },
  {
    id: 'M7',
    name: 'rate-spike',
    severity: 'medium',
    title: 'One token made very many requests in a short time',
    advice: 'Limit the rate of each token, and look at what was fetched: this is what taking a copy looks like.',
    see: rfc(9700, '4.10'),
  },
  {
    id: 'M8',
    name: 'refresh-storm',
    severity: 'medium',
    title: 'A client keeps being refused, or keeps refreshing',
    advice: 'Refresh once and send once more, then stop. Wait as Retry-After and backoff say, for all tabs together.',
    see: rfc(6585, '4'),
  },
  {
    id: 'M9',
    name: 'lifetime-too-long',
    severity: 'medium',
    title: 'An access token lives longer than it should, or for ever',
    advice: 'Minutes are enough where there is a refresh token. Whoever copies this one has it that long.',
    see: rfc(9700, '2.2'),
  },
  {
    id: 'M10',
    name: 'scope-grew',
    severity: 'high',
    title: 'A refresh brought a wider scope than the user granted',
    advice: 'A refresh may narrow the scope, never widen it. Mend the authorization server.',
    see: rfc(6749, '6'),
  },
  {
    id: 'M11',
    name: 'subject-changed',
    severity: 'critical',
    title: 'One session has tokens of several users',
    advice: 'Look for a shared cache, a cookie that is shared, or a refresh that mixes sessions up. End the session.',
    see: rfc(9700, '4.14'),
  },
]

const byId = new Map(scanRules.map((rule) => [rule.id, rule]))

/** The rule `id`. */
export function ruleOf(id: RuleId): Rule {
  const rule = byId.get(id)
  if (rule === undefined) throw new TypeError(`there is no rule ${id}`)
  return rule
}

/**
 * The rule that a manager's `alert` event belongs to, so that what is watched live and what is found in logs is counted
 * together. `undefined`: the alert tells of something that no log shows (`odd-token`).
 *
 * @example
 * tokens.on('alert', ({ rule }) => console.warn(ruleOfAlert(rule)?.id, rule))
 */
export function ruleOfAlert(alert: Alert['rule']): Rule | undefined {
  const id = ALERTS[alert]
  return id && ruleOf(id)
}

const ALERTS: Readonly<Partial<Record<Alert['rule'], RuleId>>> = {
  'token-in-url': 'L1',
  'scope-grew': 'M10',
  'subject-changed': 'M11',
  'refresh-storm': 'M8',
  'used-after-end': 'M2',
  'refresh-token-reused': 'M3',
  // A token that is refused at once was not meant for this API, or was signed by nobody it trusts.
  'fresh-token-refused': 'M5',
}
