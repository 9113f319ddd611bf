import type { Finding } from './findings.ts'
import { plural, text } from './html-text.ts'
import { ruleOf, type RuleId, type Severity } from './rules.ts'
import { reportStyle } from './report-style.ts'
import { sizeOf, tally } from './report-text.ts'
import type { ScanReport } from './scan.ts'
import { digest } from '../servers/digest.ts'
import { toTimeline } from './report-timeline.ts'

/**
 * A report as one page that needs nothing else: no network, no script. It forbids itself both (Content Security Policy),
 * so that what a log holds can do nothing when somebody looks at the report.
 */
export function toHtmlReport(report: ScanReport, title = 'Tokens in logs and recordings'): string {
  const { findings, tokens, dropped, characters } = report
  const policy = `default-src 'none'; style-src 'sha256-${base64(digest(reportStyle))}'; base-uri 'none'; form-action 'none'`
  const rules = [...new Set(findings.map(({ rule }) => rule))].sort(byWeight)
  const shown = tokens
    .map((token) => ({ token, findings: findings.filter(({ fingerprint }) => fingerprint === token.id) }))
    .sort((a, b) => b.findings.length - a.findings.length || b.token.stepCount - a.token.stepCount)
    .slice(0, MOST_TOKENS)
  const verdict =
    findings.length === 0
      ? 'No findings.'
      : `${plural(findings.length, 'finding')}: ${tally(findings)}${dropped === 0 ? '' : `, and ${plural(dropped, 'repetition')}`}.`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${text(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<header>
<h1>${text(title)}</h1>
<p class="verdict ${findings.length === 0 ? 'clean' : 'found'}">${text(verdict)}</p>
<p class="dim">${text(sizeOf(characters))} read, ${plural(tokens.length, 'token')} followed. No token is in this page: a fingerprint is the first 72 bits of the SHA-256 of one.</p>
</header>
<main>
<section><h2>What to do</h2>${rules.length === 0 ? '<p>Nothing.</p>' : rules.map((rule) => adviceOf(rule, findings)).join('')}</section>
<section><h2>Tokens</h2>${shown.length === 0 ? '<p>The input tells of no use of a token.</p>' : shown.map(({ token, findings: own }) => toTimeline(token, own)).join('')}
${tokens.length > shown.length ? `<p class="dim">${plural(tokens.length - shown.length, 'further token')} not shown.</p>` : ''}</section>
<section><h2>Findings</h2>${findings.length === 0 ? '<p>None.</p>' : tableOf(findings)}</section>
</main>
</body>
</html>
`
}

const MOST_TOKENS = 60

function adviceOf(id: RuleId, findings: readonly Finding[]): string {
  const { title, advice, see, severity, name } = ruleOf(id)
  const own = findings.filter(({ rule }) => rule === id)
  const worst = own.some((one) => one.severity === severity) ? severity : (own[0]?.severity ?? severity)
  return `<article class="advice"><h3><span class="badge ${worst}">${worst}</span> ${text(title)} <span class="dim">${id} ${text(name)}, ${plural(own.length, 'time')}</span></h3>
<p>${text(advice).replace(/`([^`]+)`/g, '<code>$1</code>')} <a href="${text(see)}" rel="noreferrer">Why</a></p></article>`
}

function tableOf(findings: readonly Finding[]): string {
  const rows = findings.map(
    ({ rule, severity, where, message, kind, fingerprint, at }) =>
      `<tr><td><span class="badge ${severity}">${severity}</span></td><td>${rule}</td><td class="place">${text(placeOf(where))}</td><td>${text(message)}</td><td><code>${text(`${kind} ${fingerprint}`)}</code></td><td>${at === undefined ? '' : text(new Date(at).toISOString())}</td></tr>`,
  )
  return `<div class="scroll"><table><thead><tr><th>Severity</th><th>Rule</th><th>Where</th><th>What</th><th>Token</th><th>When</th></tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`
}

const placeOf = ({ file, line, column, entry, part }: Finding['where']): string =>
  `${file}:${String(line)}:${String(column)}${entry === undefined ? '' : ` entry ${String(entry)}`}${part === undefined ? '' : ` ${part}`}`

/** The worst first. */
const byWeight = (a: RuleId, b: RuleId): number => ORDER.indexOf(ruleOf(a).severity) - ORDER.indexOf(ruleOf(b).severity)
const ORDER: readonly Severity[] = ['critical', 'high', 'medium', 'low']

/** The policy wants base64, with its padding. */
const base64 = (base64url: string): string =>
  `${base64url.replaceAll('-', '+').replaceAll('_', '/')}${'='.repeat(-base64url.length & 3)}`
