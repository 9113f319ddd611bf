import { decodeBase64 } from './jwt-parts.ts'
import type { Known } from './known.ts'
import { leavesOf, type HarPart, type Leaf } from './json-leaves.ts'
import { looksRandom } from './looks.ts'
import type { Memory } from './memory.ts'
import { parseUrl, rulesOfPlace, type LineContext } from './places.ts'
import type { RuleId } from './rules.ts'
import { findSecrets, type Secret } from './secrets.ts'
import { mayHoldSecret } from './triggers.ts'

/** A secret in a recording, and which rules its place breaks. */
export interface HarSecret {
  readonly secret: Secret
  /** The secret as it is written in the file. */
  readonly raw: string
  readonly rules: readonly RuleId[]
  readonly line: number
  readonly column: number
  readonly part: string
}

/** What the entries of a recording are read with. */
export interface HarContext {
  readonly allowOrigins: ReadonlySet<string> | undefined
  readonly memory: Memory
  /** Finds what is known beforehand. */
  readonly known?: Known | undefined
}

/**
 * Finds the secrets of one entry of a recording, or of what stands around the entries. Whatever a place of a recording
 * means is known here: a value under `request.headers` beside the name `referer` is a referrer, in whatever order name
 * and value stand.
 */
export function* secretsOfPart(part: HarPart, { allowOrigins, memory, known }: HarContext): Generator<HarSecret> {
  if (!known && !mayHoldSecret(part.text) && !part.text.includes('"base64"')) return
  const leaves = [...leavesOf(part.text)]
  const names = namesOf(leaves)
  const encodings = encodedIn(leaves)
  const facts = factsOf(leaves, names)
  const locate = locator(part)
  let isFirstOfResponse = true
  for (const leaf of leaves) {
    const label = labelOf(leaf, names)
    const decoded = encodings.has(leaf.path.slice(0, -1).join('.')) ? decodeBase64(leaf.raw) : undefined
    const text = decoded ?? label.prefix + leaf.raw
    if (!known && !mayHoldSecret(text)) continue
    const secrets = findSecrets(text, memory)
    for (const secret of known ? known.add(text, [...secrets]) : secrets) {
      const from = decoded === undefined ? secret.start - label.prefix.length : 0
      if (from < 0) continue
      const raw = decoded === undefined ? text.slice(secret.start, secret.end) : secret.value
      const rules = rulesOfLeaf(text, { secret, leaf, facts, allowOrigins, prefix: label.prefix })
      if (isFirstOfResponse && facts.isCacheable && isTokenResponse(leaf, secret)) {
        isFirstOfResponse = false
        rules.push('L6')
      }
      yield { secret, raw, rules, ...locate(leaf.offset + from), part: label.part }
    }
  }
}

/** What an entry says of itself. */
interface EntryFacts {
  readonly destination: URL | undefined
  /** The answer was a good one, and did not forbid to store it. */
  readonly isCacheable: boolean
}

function factsOf(leaves: readonly Leaf[], names: ReadonlyMap<string, string>): EntryFacts {
  const url = leaves.find(({ path }) => path.join('.') === 'request.url')?.raw
  const isNoStore = leaves.some(
    ({ path, raw }) =>
      path.join('.').startsWith('response.headers.') &&
      names.get(path.slice(0, -1).join('.'))?.toLowerCase() === 'cache-control' &&
      /\bno-store\b/i.test(raw),
  )
  return { destination: url === undefined ? undefined : parseUrl(url), isCacheable: !isNoStore }
}

/** The names of pairs, by the path of the pair. */
function namesOf(leaves: readonly Leaf[]): ReadonlyMap<string, string> {
  return new Map(
    leaves.filter(({ path }) => path.at(-1) === 'name').map(({ path, raw }) => [path.slice(0, -1).join('.'), raw]),
  )
}

/** The paths of bodies that are written as base64: text as well, where a browser did not know better. */
const encodedIn = (leaves: readonly Leaf[]): ReadonlySet<string> =>
  new Set(
    leaves
      .filter(({ path, raw }) => path.at(-1) === 'encoding' && raw === 'base64')
      .map(({ path }) => path.slice(0, -1).join('.')),
  )

/** A value is read together with the name that stands beside it, as a header is read. */
function labelOf({ path }: Leaf, names: ReadonlyMap<string, string>): { prefix: string; part: string } {
  const pair = path.slice(0, -1).join('.')
  const name = path.at(-1) === 'value' ? names.get(pair) : undefined
  if (name === undefined) return { prefix: '', part: path.map(told).join('.') }
  return {
    prefix: path.includes('queryString') ? `?${name}=` : `${name}: `,
    part: [...path.slice(0, -2).map(told), told(name).toLowerCase()].join('.'),
  }
}

/** A name, if it is not the token itself that stands where one belongs. */
function told(name: string): string {
  return looksRandom(name) ? '\u2026' : name
}

interface LeafContext {
  readonly secret: Secret
  readonly leaf: Leaf
  readonly facts: EntryFacts
  readonly allowOrigins: ReadonlySet<string> | undefined
  readonly prefix: string
}

function rulesOfLeaf(text: string, { secret, leaf, facts, allowOrigins, prefix }: LeafContext): RuleId[] {
  const [side = '', member = ''] = leaf.path
  const isOfEntry = side === 'request' || side === 'response'
  const isQuery = member === 'queryString' || member === 'redirectURL' || (member === 'url' && side === 'request')
  const isReferer = member === 'headers' && /^referr?er: $/i.test(prefix)
  const everything: readonly [number, number] = [0, text.length]
  const context: LineContext = {
    kind: 'file',
    query: isQuery ? everything : undefined,
    referer: isReferer ? everything : undefined,
    destination: isOfEntry ? facts.destination : undefined,
    // What a server answers was not sent there by us.
    allowOrigins: side === 'request' ? allowOrigins : undefined,
  }
  const rules = rulesOfPlace(text, secret, context)
  // The tokens of a redirect go where it leads, not where it came from.
  return side === 'response' && rules.includes('L1') ? rules.filter((rule) => rule !== 'L3') : rules
}

/** A JSON answer that brings an access token is a token response, whatever its URL. */
const isTokenResponse = ({ path }: Leaf, { kind, name }: Secret): boolean =>
  path.join('.') === 'response.content.text' && kind === 'access' && /access[-_]?token|^token$|^jwt$/i.test(name ?? '')

/** Leaves come in order, so line breaks are counted once. */
function locator({ text, line, column }: HarPart): (offset: number) => { line: number; column: number } {
  let current = line
  let begin = 1 - column
  let at = 0
  return (offset) => {
    for (let end = text.indexOf('\n', at); end !== -1 && end < offset; end = text.indexOf('\n', at)) {
      current++
      begin = end + 1
      at = end + 1
    }
    return { line: current, column: offset - begin + 1 }
  }
}
