/**
 * Reads an HTTP-date in any of its three forms as epoch milliseconds. `NaN`: it is none. A two-digit year lies between
 * 1950 and 2049.
 *
 * @see [RFC 9110 section 5.6.7](https://www.rfc-editor.org/rfc/rfc9110.html#section-5.6.7)
 */
export function parseHttpDate(value: string | null): number {
  const date = String(value)
  const at = Date.parse(date.replace(/\d$/, '$& GMT'))
  // Date.parse takes much more than a date for one ("-1"), and impossible days for others.
  return FORMS.test(date) && new Date(at).getUTCDate() === Number(/\d+/.exec(date)) ? at : NaN
}

const FORMS = /^\w+(, \d\d\W[A-Z]\w+\W\d+ [\d:]+ GMT| [A-Z]\w+ .\d [\d:]+ \d+)$/

/**
 * Reads a `Retry-After` header as milliseconds from now. `NaN`: there is none, or it is malformed. As large as the
 * server says: cap it.
 *
 * @see [RFC 9110 section 10.2.3](https://www.rfc-editor.org/rfc/rfc9110.html#section-10.2.3)
 */
export function parseRetryAfter(value: string | null, nowMs: number): number {
  return /^ *\d{1,15} *$/.test(String(value)) ? Number(value) * 1_000 : Math.max(0, parseHttpDate(value) - nowMs)
}
