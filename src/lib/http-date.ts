/**
 * Reads an HTTP-date in any of its three forms as epoch milliseconds. `undefined`: it is none.
 *
 * @param nowMs Tells the century of a two-digit year.
 * @see [RFC 9110 section 5.6.7](https://www.rfc-editor.org/rfc/rfc9110.html#section-5.6.7)
 */
export function parseHttpDate(value: string | null, nowMs: number): number | undefined {
  const date = (value ?? '')
    .replace(/^\w+ (\w+) ([ \d]\d) ([\d:]+) (\d{4})$/, '$2 $1 $4 $3 GMT')
    .replace(/^\w+, /, '')
    .replace(/^ /, '0')
    .replace(/^(\d\d)-(\w+)-(\d\d) /, (_, day: string, month: string, year: string) => {
      const latest = new Date(nowMs).getUTCFullYear() + 50
      return `${day} ${month} ${latest - ((latest - Number(year)) % 100)} `
    })
  const at = Date.parse(date)
  // Date.parse takes much more than a date for one ("-1"), and impossible days for others: only what comes back unchanged counts.
  return new Date(at).toUTCString().endsWith(`, ${date}`) ? at : undefined
}

/**
 * Reads a `Retry-After` header as milliseconds from now. `undefined`: there is none, or it is malformed. As large as the
 * server says: cap it.
 *
 * @see [RFC 9110 section 10.2.3](https://www.rfc-editor.org/rfc/rfc9110.html#section-10.2.3)
 */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  const text = (value ?? '').trim()
  if (/^\d{1,15}$/.test(text)) return Number(text) * 1_000
  const at = parseHttpDate(text, nowMs)
  return at === undefined ? undefined : Math.max(0, at - nowMs)
}
