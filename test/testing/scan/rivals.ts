import type { Hit } from './figures.ts'

// The rules of two well-known scanners that can be compared: what they look for is a token in a text. Their regular
// expressions are those of gitleaks (config/gitleaks.toml: jwt, generic-api-key, curl-auth-header) and of trufflehog
// (pkg/detectors/jwt), rewritten from RE2 to JavaScript; their keyword filter, entropy and allowed values are applied as
// their configuration says. Neither program is run.

/** Another scanner, as far as its rules are written here. */
export interface Rival {
  readonly name: string
  find(text: string): Hit[]
}

interface Pattern {
  readonly rule: string
  readonly regex: RegExp
  readonly keywords: readonly string[]
  readonly entropy: number
  readonly isAllowed?: (value: string, match: string) => boolean
}

const END = String.raw`(?:[\x60'"\s;]|\\[nr]|$)`

/** Values that gitleaks lets pass whatever the rule (its global allowlist), as far as they concern tokens. */
const GLOBALLY_ALLOWED =
  /^(?:true|false|null)$|^(?:a+|x+|X+|\*+|\.+)$|^\$(?:\d+|\{\d+\})$|^\$\{?(?:[A-Z_]+|[a-z_]+)\}?$|^\{\{[ \t]*[\w ().|]+[ \t]*\}\}$|abcdefghijklmnopqrstuvwxyz/i

const gitleaksJwt: Pattern = {
  rule: 'jwt',
  regex: new RegExp(
    String.raw`\b(ey[a-zA-Z0-9]{17,}\.ey[a-zA-Z0-9\/\\_-]{17,}\.(?:[a-zA-Z0-9\/\\_-]{10,}={0,2})?)${END}`,
    'gd',
  ),
  keywords: ['ey'],
  entropy: 3,
}

const gitleaksGeneric: Pattern = {
  rule: 'generic-api-key',
  regex: new RegExp(
    String.raw`[\w.-]{0,50}?(?:access|auth|api|credential|creds|key|passw(?:or)?d|secret|token)(?:[ \t\w.-]{0,20})[\s'"]{0,3}(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\x60'"\s=]{0,5}([\w.=-]{10,150}|[a-z0-9][a-z0-9+/]{11,}={0,3})${END}`,
    'gid',
  ),
  keywords: ['access', 'api', 'auth', 'key', 'credential', 'creds', 'passwd', 'password', 'secret', 'token'],
  entropy: 3.5,
  // What its allowlist says of values and of whole matches, where it concerns tokens. Its list of some 1400 words that
  // no value may contain is left out: it could only take findings away.
  isAllowed: (value, match) =>
    /^[a-zA-Z_.-]+$/.test(value) ||
    /csrf[_.-]?token|public[_.-]?token|(?:api|credentials|token)[_.-]?(?:endpoint|ur[il])|(?:key|token)[_.-]?file|access(?:ibility|or)|access[_.-]?id|secret[_.-]?(?:length|name|size)/i.test(
      match,
    ),
}

const authorization = String.raw`(?:Authorization:[ \t]{0,5}(?:Basic[ \t]([a-z0-9+/]{8,}={0,3})|(?:Bearer|(?:Api-)?Token)[ \t]([\w=~@.+/-]{8,})|([\w=~@.+/-]{8,}))|(?:(?:X-(?:[a-z]+-)?)?(?:Api-?)?(?:Key|Token)):[ \t]{0,5}([\w=~@.+/-]{8,}))`

const gitleaksCurl: Pattern = {
  rule: 'curl-auth-header',
  regex: new RegExp(
    String.raw`\bcurl\b(?:.*?|.*?(?:[\r\n]{1,2}.*?){1,5})[ \t\n\r](?:-H|--header)(?:=|[ \t]{0,5})(?:"${authorization}"|'${authorization}')(?:\B|\s|$)`,
    'gid',
  ),
  keywords: ['curl'],
  entropy: 2.75,
}

const trufflehogJwt: Pattern = {
  rule: 'jwt',
  regex: /\b((?:eyJ|ewogIC)[A-Za-z0-9_-]{12,}\.ey[A-Za-z0-9_-]{12,}\.[A-Za-z0-9_-]{12,})\b/dg,
  keywords: ['ewogicj0exa', 'ewogicjhbgc', 'eyj0exaioij', 'eyjhbgcioij'],
  entropy: 0,
}

export const rivals: readonly Rival[] = [
  {
    name: 'gitleaks (jwt, generic, curl)',
    find: (text) => findAll(text, [gitleaksJwt, gitleaksGeneric, gitleaksCurl]),
  },
  { name: 'trufflehog (jwt)', find: (text) => findAll(text, [trufflehogJwt]) },
  {
    name: 'both together',
    find: (text) => findAll(text, [gitleaksJwt, gitleaksGeneric, gitleaksCurl, trufflehogJwt]),
  },
]

function findAll(text: string, patterns: readonly Pattern[]): Hit[] {
  const lines = text.split('\n')
  return patterns.flatMap((pattern) => lines.flatMap((line, index) => findIn(line, index + 1, pattern)))
}

/** Their rules run over whole files; all that is labelled stands in one line, and so does a match. */
function findIn(text: string, line: number, { rule, regex, keywords, entropy, isAllowed }: Pattern): Hit[] {
  const lower = text.toLowerCase()
  if (!keywords.some((keyword) => lower.includes(keyword))) return []
  return [...text.matchAll(regex)].flatMap((match) => {
    const group = match.findIndex((value, index) => index > 0 && value !== undefined)
    const value = match[group] ?? ''
    const [start = 0] = match.indices?.[group] ?? []
    if (entropyOf(value) <= entropy || GLOBALLY_ALLOWED.test(value) || isAllowed?.(value, match[0])) return []
    return [{ line, column: start + 1, rule }]
  })
}

function entropyOf(value: string): number {
  const counts = new Map<string, number>()
  for (const letter of value) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  return [...counts.values()].reduce(
    (bits, count) => bits - (count / value.length) * Math.log2(count / value.length),
    0,
  )
}
