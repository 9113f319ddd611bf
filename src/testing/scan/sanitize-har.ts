import { toEntry } from '../har/check.ts'
import { cookiesOf } from '../har/fields.ts'
import type { SecretKind } from '../har/format.ts'
import { isPacked, textOfBytes } from '../har/text-of-bytes.ts'
import { fromBase64, toBase64, toBytes } from '../redact/base64.ts'
import { isTelling } from '../redact/needles.ts'
import { type Given, study } from '../redact/study.ts'
import { createTextRedactor, type Known, type TextRedactor } from '../redact/text.ts'
import { knownBy } from '../redact/vault.ts'
import { PLACEHOLDER } from './fingerprint.ts'
import { secretsOfPart } from './har-scan.ts'
import { createHarSplitter, leavesOf, type HarPart, type Leaf } from './json-leaves.ts'
import { chunksOf, type TextSource } from './lines.ts'
import { createMemory, type Memory } from './memory.ts'
import { createPlaceholders, type Placeholders } from './placeholders.ts'
import type { SanitizeOptions } from './sanitize-options.ts'

/**
 * Replaces what is found in a HAR: what it finds anywhere in the first reading, it replaces everywhere in the second, however
 * it is spelled there.
 */
export async function* sanitizeHar(open: () => TextSource, options: SanitizeOptions): AsyncGenerator<string> {
  const known = new Map<string, Known>()
  const memory = createMemory()
  let characters = 0
  const count = (chunk: string): void => options.onProgress?.((characters += chunk.length))
  const reserved = new Set<string>()
  const placeholders = createPlaceholders(reserved)
  for await (const part of partsOf(open(), count)) {
    for (const [, id] of part.text.matchAll(new RegExp(PLACEHOLDER.source, 'gi'))) if (id) reserved.add(id)
    learn(part, { placeholders, known, memory })
  }
  const redactor = createTextRedactor([...known.values()], placeholders)
  let isTail = false
  for await (const part of partsOf(open(), count)) {
    const text = rewrite(part, { placeholders, redactor })
    yield isTail && /^\s*\]/.test(text) ? withReferences(text, placeholders) : text
    isTail = part.entry !== undefined
  }
  options.onDone?.(placeholders.references())
}

async function* partsOf(source: TextSource, count: (chunk: string) => void): AsyncGenerator<HarPart> {
  const splitter = createHarSplitter()
  for await (const chunk of chunksOf(source)) {
    count(chunk)
    yield* splitter.push(chunk)
  }
  yield* splitter.end()
}

interface Learning {
  readonly placeholders: Placeholders
  /** By value. */
  readonly known: Map<string, Known>
  readonly memory: Memory
}

function learn(part: HarPart, { placeholders, known, memory }: Learning): void {
  const add = (value: string, kind: SecretKind): void => {
    const id = placeholders.idOf(value, { kind, jwt: memory.jwt(value) })
    if (id === undefined) return
    for (const one of knownBy(value, { kind, id })) if (!known.has(one.value)) known.set(one.value, one)
  }
  for (const { secret } of secretsOfPart(part, { allowOrigins: undefined, memory })) add(secret.value, secret.kind)
  for (const { value, kind } of secretsInUse(part)) if (kind !== 'cookie' || isTelling(value)) add(value, kind)
  for (const { value, kind } of credentialsOf([...leavesOf(part.text)]))
    if (value.length >= LONG_ENOUGH) add(value, kind)
}

/** What an entry shows by its use, and by the names of things, as it does to a recorder. */
function secretsInUse({ text, entry }: HarPart): readonly Given[] {
  if (entry === undefined) return []
  try {
    const observed = { entry: toEntry(JSON.parse(text), entry), fromSource: false }
    return study([observed], { fields: [], given: [] }).vault.secrets()
  } catch {
    // What is damaged is looked through all the same, by what its parts look like.
    return []
  }
}

/** Shorter values of cookies (`en`, `dark`) stand everywhere: they are replaced in the cookie only. */
const LONG_ENOUGH = 12

interface Credential {
  readonly leaf: Leaf
  readonly value: string
  readonly kind: SecretKind
}

const AUTHORIZATION = /^(?:proxy-)?authorization$|^x-api-key$|^api-key$|^x-auth-token$/i

/** What opens a door by its place, whatever it looks like: credentials in headers, and the values of cookies. */
function credentialsOf(leaves: readonly Leaf[]): Credential[] {
  const names = new Map(
    leaves.filter(({ path }) => path.at(-1) === 'name').map(({ path, raw }) => [path.slice(0, -1).join('.'), raw]),
  )
  return leaves.flatMap((leaf) => {
    const { path } = leaf
    if (path.at(-1) !== 'value') return []
    const text = textOf(leaf)
    const name = names.get(path.slice(0, -1).join('.')) ?? ''
    const list = path.at(-3)
    const one = (value: string, kind: SecretKind): Credential[] =>
      value === '' || PLACEHOLDER.test(value) ? [] : [{ leaf, value, kind }]
    if (list === 'cookies') return one(text, 'cookie')
    if (list !== 'headers') return []
    if (AUTHORIZATION.test(name)) return one(text.replace(/^[\w-]+ +(?=\S)/, ''), 'secret')
    if (/^set-cookie$/i.test(name)) {
      return cookiesOf(text).flatMap((cookie) => one(/^[^=;]*=([^;]*)/.exec(cookie)?.[1] ?? '', 'cookie'))
    }
    if (!/^cookie$/i.test(name)) return []
    return text.split(';').flatMap((pair) => one(/=\s*(.*)$/.exec(pair)?.[1] ?? '', 'cookie'))
  })
}

interface Rewriting {
  readonly placeholders: Placeholders
  readonly redactor: TextRedactor
}

function rewrite({ text }: HarPart, rewriting: Rewriting): string {
  const leaves = [...leavesOf(text)]
  const credentials = byLeaf(credentialsOf(leaves))
  const placeOf = ({ path }: Leaf): string => path.slice(0, -1).join('.')
  const types = new Map(
    leaves.filter(({ path }) => path.at(-1) === 'mimeType').map((leaf) => [placeOf(leaf), leaf.raw]),
  )
  const isEncoding = ({ path, raw }: Leaf): boolean => /^_?encoding$/.test(path.at(-1) ?? '') && /^base64$/i.test(raw)
  const encoded = new Set(leaves.filter(isEncoding).map(placeOf))
  let out = ''
  let copied = 0
  for (const leaf of leaves) {
    if (isOfFormat(leaf)) continue
    const place = placeOf(leaf)
    const isBase64 = leaf.path.at(-1) === 'text' && encoded.has(place)
    const before = textOf(leaf)
    const after = isBase64
      ? rewriteBase64(before, types.get(place) ?? '', rewriting.redactor)
      : rewriteLeaf(leaf, credentials.get(leaf) ?? [], rewriting)
    if (after === before) continue
    out += text.slice(copied, leaf.offset) + JSON.stringify(after).slice(1, -1)
    copied = leaf.offset + leaf.raw.length
  }
  return copied === 0 ? text : out + text.slice(copied)
}

/** What HAR itself has a word for: somebody's password may be the same word. */
function isOfFormat({ path, raw }: Leaf): boolean {
  return (
    /^(?:method|version|httpVersion|_?encoding)$/.test(path.at(-1) ?? '') &&
    /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|base64|1\.[12]|HTTP\/[\d.]{1,3}|h[23])$/i.test(raw)
  )
}

/** What a string of JSON says; as it stands, if it is none. */
function textOf({ raw }: Leaf): string {
  if (!raw.includes('\\')) return raw
  try {
    return JSON.parse(`"${raw}"`) as string
  } catch {
    return raw
  }
}

function byLeaf(credentials: readonly Credential[]): Map<Leaf, Credential[]> {
  const map = new Map<Leaf, Credential[]>()
  for (const one of credentials) map.set(one.leaf, [...(map.get(one.leaf) ?? []), one])
  return map
}

function rewriteLeaf(leaf: Leaf, own: readonly Credential[], { placeholders, redactor }: Rewriting): string {
  const url = /^(?:url|redirectURL)$/.test(leaf.path.at(-1) ?? '')
  let text = redactor.redact(textOf(leaf), { url })
  for (const { value, kind } of own) {
    const id = placeholders.idOf(value, { kind, jwt: undefined })
    if (id !== undefined) text = replaceOwn(text, value, `{{${id}}}`)
  }
  return text
}

/** The value of a header or cookie as a whole: its letters may also be in a name, another value, or a placeholder. */
function replaceOwn(text: string, value: string, by: string): string {
  for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + 1)) {
    const end = at + value.length
    const isWhole = /^[=\s]?$/.test(text.charAt(at - 1)) && /^[;,\s]?$/.test(text.charAt(end))
    if (isWhole) return text.slice(0, at) + by + text.slice(end)
  }
  return text
}

function rewriteBase64(base64: string, mimeType: string, redactor: TextRedactor): string {
  const bytes = fromBase64(base64.replace(/\s+/g, ''))
  if (bytes === undefined) return redactor.redact(base64)
  const text = textOfBytes(bytes, mimeType)
  // Bytes cannot have a placeholder in them.
  if (text === undefined) return isPacked(bytes) || redactor.occursIn(bytes) ? '' : base64
  const redacted = redactor.redact(text)
  return redacted === text ? base64 : toBase64(toBytes(redacted))
}

/** The entries are over with the first bracket. A recording of ours has its own list before them. */
function withReferences(tail: string, placeholders: Placeholders): string {
  const references = placeholders.references()
  if (references.length === 0 || /"_tokens"\s*:/.test(tail)) return tail
  const at = tail.indexOf(']') + 1
  return `${tail.slice(0, at)},"_tokens":${JSON.stringify(references)}${tail.slice(at)}`
}
