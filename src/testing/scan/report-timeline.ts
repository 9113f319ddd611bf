import type { Finding } from './findings.ts'
import { plural, text } from './html-text.ts'
import type { TokenTrace } from './misuse.ts'
import type { Step } from './token-states.ts'

const WIDTH = 720
const HEIGHT = 56
const MARGIN = 12
const LINE = 30

/** The life of a token as a drawing, and its moments as a list for who cannot, or need not, see the drawing. */
export function toTimeline(
  { id, kind, steps, stepCount, expiresAt }: TokenTrace,
  findings: readonly Finding[],
): string {
  const rules = [...new Set(findings.map(({ rule }) => rule))]
  const summary = `${plural(stepCount, 'moment')}${rules.length === 0 ? '' : `, ${rules.join(' ')}`}`
  return `<details class="token"${findings.length > 0 ? ' open' : ''}><summary><code>${text(id)}</code> ${kind} token <span class="${rules.length === 0 ? 'dim' : 'bad'}">${text(summary)}</span></summary>
<div class="scroll">${drawing({ steps, expiresAt, findings })}</div>
<ol>${steps.map((step) => `<li class="${classOf(step)}">${text(sentenceOf(step))}</li>`).join('')}</ol>
${told(findings).join('')}</details>`
}

/** Each sentence once, and how often. */
function told(findings: readonly Finding[]): string[] {
  const counts = new Map<string, number>()
  for (const { rule, message } of findings) {
    const sentence = `${rule}: ${message}`
    counts.set(sentence, (counts.get(sentence) ?? 0) + 1)
  }
  return [...counts].map(
    ([sentence, count]) => `<p class="bad">${text(sentence)}${count === 1 ? '' : ` (${String(count)} times)`}</p>`,
  )
}

interface Drawing {
  readonly steps: readonly Step[]
  readonly expiresAt: number | undefined
  readonly findings: readonly Finding[]
}

function drawing({ steps, expiresAt, findings }: Drawing): string {
  const marks = findings.flatMap(({ at, rule }) => (at === undefined ? [] : [{ at, rule }]))
  const moments = [...steps.map(({ at }) => at), ...marks.map(({ at }) => at)]
  const from = Math.min(...moments)
  const last = Math.max(...moments)
  // An expiry far ahead would press everything else together.
  const end = expiresAt !== undefined && expiresAt < last + 2 * Math.max(last - from, 60_000) ? expiresAt : undefined
  const until = Math.max(last, end ?? last)
  const x = (at: number): string =>
    (MARGIN + ((at - from) / Math.max(until - from, 1)) * (WIDTH - 2 * MARGIN)).toFixed(1)
  const expired =
    end === undefined
      ? ''
      : `<rect class="over" x="${x(end)}" y="${String(LINE - 8)}" width="${(WIDTH - MARGIN - Number(x(end)) + 4).toFixed(1)}" height="16"/><text class="label" x="${x(end)}" y="${String(HEIGHT - 4)}" text-anchor="${Number(x(end)) > WIDTH - 80 ? 'end' : 'start'}">expires</text>`
  const dots = steps.map(
    (step) =>
      `<circle class="${classOf(step)}" cx="${x(step.at)}" cy="${String(LINE)}" r="5"><title>${text(sentenceOf(step))}</title></circle>`,
  )
  const flags = marks.map(
    ({ at, rule }) =>
      `<text class="flag" x="${x(at)}" y="14" text-anchor="${Number(x(at)) > WIDTH - 40 ? 'end' : 'middle'}">${rule}</text>`,
  )
  return `<svg viewBox="0 0 ${String(WIDTH)} ${String(HEIGHT)}" role="img" aria-label="${text(`${plural(steps.length, 'moment')} between ${timeOf(from)} and ${timeOf(until)}`)}"><line x1="${String(MARGIN)}" y1="${String(LINE)}" x2="${String(WIDTH - MARGIN)}" y2="${String(LINE)}"/>${expired}${dots.join('')}${flags.join('')}</svg>`
}

/** Refused or not: the shape says what, the colour whether it went well. */
function classOf({ what, status }: Step): string {
  const outcome = status === undefined || status === 0 ? 'unknown' : status < 400 ? 'good' : 'refused'
  return `${what} ${outcome}`
}

const WORDS: Readonly<Record<Step['what'], string>> = {
  bearer: 'sent to',
  refresh: 'presented for a refresh at',
  revoke: 'revoked at',
  logout: 'given back at',
  issued: 'issued by',
}

const sentenceOf = ({ at, what, to, status }: Step): string =>
  `${timeOf(at)} ${WORDS[what]} ${to || 'an address that is not told'}${status === undefined ? '' : `: ${status === 0 ? 'no answer' : String(status)}`}`

const timeOf = (at: number): string =>
  Number.isFinite(at) ? new Date(at).toISOString().replace('T', ' ').replace('Z', '') : ''
