import type { Figures, Score } from './figures.ts'

// docs/scan-figures.md, made of what was computed and of what was measured on some machine before.

/** What `scripts/scan-speed.mjs` measured, in etc/scan-speed.json. */
export interface Speed {
  readonly megabytes: number
  readonly machine: string
  readonly rows: readonly {
    readonly log: string
    readonly tool: string
    readonly seconds: string
    readonly mbPerS: string
    readonly peakMb: string
  }[]
}

/** The document, before Prettier. */
export function figuresDocument(figures: Figures, speed: Speed): string {
  const { labels, decoys, documents, scanners, rules, misuse, histories, historiesRight, mistakes } = figures
  return `# How well the scanner does

Written by \`npm run scan:figures -- --write\`; a test says when it is out of date.

## Leaks

${labels} places with a secret and ${decoys} decoys in ${documents} documents (\`test/testing/scan/sets/leaks\`), in the formats
that real systems write. The decoys are what scanners stumble over: UUIDs, hashes, ETags, base64 images, test ids that look like a
JWT, examples of the standards, placeholders, \`Bearer <token>\`, \`Bearer undefined\`, code.

${table(
  ['scanner', 'found', 'missed', 'false', 'recall', 'precision', 'of the 18 shapes'],
  scanners.map(({ name, all, shapes }) => [name, ...counts(all), ...rates(all), `${shapes}`]),
)}

Found means: something was reported at that place, whatever it was called. The other scanners are their rules, rewritten in
JavaScript (\`test/testing/scan/rivals.ts\`), not their programs; gitleaks has many more rules, for keys of products, which are not about
bearer tokens, and trufflehog asks servers whether what it found is alive. Both look for any secret; this scanner looks for
tokens only.

By rule, with the rule that the label names:

${table(
  ['rule', 'found', 'missed', 'false', 'recall', 'precision'],
  rules.map(({ rule, score }) => [rule, ...counts(score), ...rates(score)]),
)}

## Misuse

${histories} histories (\`test/testing/scan/sets/misuse\`): logs and recordings, half of them harmless look-alikes. Right means that
exactly the rules of the label spoke.

**${historiesRight} of ${histories} right: ${percent(historiesRight, histories)}.** A published baseline, 25 rules on 70 cases, had 81.4 %
(Rujichaikul and Rassameeroj, JCSANDM 14(4), 2025); its cases are not public, so the two cannot be compared case by case.

${table(
  ['rule', 'found', 'missed', 'false', 'recall', 'precision'],
  misuse.map(({ rule, score }) => [rule, ...counts(score), ...rates(score)]),
)}

## What these figures are worth

The sets were labelled before the first rule was written, and the rules were mended where they failed. So the figures above are those
of the sets that the rules were made with. What to expect of logs that nobody has looked at, the first runs tell:

${table(
  ['first run', 'found', 'missed', 'false', 'recall', 'precision'],
  [
    ['leaks, the sets 01 to 09', ...counts(firstRuns.leaks), ...rates(firstRuns.leaks)],
    ['leaks, set 10, written after the rules were mended', ...counts(firstRuns.heldOut), ...rates(firstRuns.heldOut)],
  ],
)}

The first run over the misuse histories m1 to m11 got 88 of 88 right: labels and rules have the same author, who had both in mind. The 18 of
m12 were written afterwards, in formats that the rules had not seen: 14 right at first (78 %). Then names of fields were taken by how
they end, and logfmt and plain text with an instant were read; after that the 24 of m13 were written, half of them misuse, in 12 more
formats. The rules of before got 12 of them right, and none of the misuse. The new ones got 21 right at first (88 %): 9 of 12 found, none
false. What each set showed was mended then, so both count among the sets that the rules were made with.

An opaque token is told from words by its letters. Of 300 000 tokens drawn with 128 bits as base64url, 0.04 % look like words and are missed;
with 256 bits, or as hexadecimal digits, 1 or none.

What is still wrong:

${mistakes.map(({ where, what }) => `- \`${where}\`: ${what}`).join('\n')}

A chat that was saved as text is taken for a log (L5 instead of L8), a query that a Postman collection has in parts for a file (L8
instead of L1), and a column of a CSV file has no name beside its values.

## Speed and memory

A log of ${speed.megabytes} MB in the combined format, on ${speed.machine}:

${table(
  ['log', 'program', 'seconds of processor time', 'MB/s', 'most memory, MB'],
  speed.rows.map(({ log, tool, seconds, mbPerS, peakMb }) => [log, tool, seconds, mbPerS, peakMb]),
)}

\`node scripts/scan-speed.mjs 1024\` measures it anew. The start of
Node is in these figures. A scan holds one line, or one entry of a HAR, at a time, 10 000 findings,
and the state of 10 000 tokens.

## Where the formats come from

${table(['documents', 'the shape is that of'], sources)}
`
}

/** Found, missed and false of the first runs, which cannot be computed any more. */
const firstRuns = {
  leaks: { found: 221, missed: 10, false: 3 },
  heldOut: { found: 33, missed: 2, false: 2 },
} satisfies Record<string, Score>

const sources: readonly (readonly string[])[] = [
  ['nginx, Apache', 'the combined log format of both; nginx error log with request, upstream and referrer'],
  ['Envoy', 'its default format string, JSON access logs, and its debug log'],
  ['CloudFront, IIS', 'the W3C extended format with its `#Fields` line'],
  ['ALB', 'the access log entries of an AWS Application Load Balancer'],
  ['Caddy, Traefik, HAProxy', 'their access logs, JSON and text, with captured headers'],
  ['pino, winston', 'pino-http request logs with serialised errors of axios; winston’s printf and JSON formats'],
  ['Java, Python, Go, PHP, Rails, Django', 'the wire logs and debug output of their HTTP clients and frameworks'],
  ['browser recordings', 'HAR exports of Chrome (`_initiator`, `_transferSize`) and Firefox (`_securityState`)'],
  ['transcripts', '`curl -v`, shell history, GitHub Actions, GitLab and Jenkins job logs'],
  ['files', 'Spring, Kubernetes, Compose, Terraform, .env, .npmrc, Postman, Insomnia, Keploy, OpenAPI, SQL dumps'],
  ['mail and chat', 'RFC 5322 with quoted-printable, Slack and Discord exports, saved chats'],
  ['storage', 'Playwright’s storage state, dumps of localStorage'],
  [
    'histories',
    'pino-http, the combined format, Envoy, Keycloak’s and Auth0’s event logs, HAR, our own recordings; AWS API Gateway, Traefik, Kong, Cloudflare, Google’s load balancer, Elastic’s schema, nginx as JSON, slog as logfmt, debug logs of Java and Python, structlog',
  ],
]

const counts = ({ found, missed, false: wrong }: Score): string[] => [found, missed, wrong].map(String)
const rates = ({ found, missed, false: wrong }: Score): string[] => [
  percent(found, found + missed),
  percent(found, found + wrong),
]
const percent = (part: number, whole: number): string =>
  whole === 0 ? 'none' : `${((part / whole) * 100).toFixed(1)} %`

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
