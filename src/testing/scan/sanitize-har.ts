import type { SecretKind } from '../har/format.ts'
import { PLACEHOLDER } from './fingerprint.ts'
import { secretsOfPart } from './har-scan.ts'
import { createHarSplitter, leavesOf, type HarPart, type Leaf } from './json-leaves.ts'
import { decodeBase64 } from './jwt-parts.ts'
import { chunksOf, type TextSource } from './lines.ts'
import { createMemory, type Memory } from './memory.ts'
import { createNeedles, type Needles } from './needles.ts'
import { createPlaceholders, type Placeholders } from './placeholders.ts'
import type { SanitizeOptions } from './sanitize-options.ts'
import { redact } from './sanitize-text.ts'

/** Replaces what is found in a HAR: what it finds anywhere in the first reading, it replaces everywhere in the second. */
export async function* sanitizeHar(open: () => TextSource, options: SanitizeOptions): AsyncGenerator<string> {
  const needles = createNeedles()
  const memory = createMemory()
  let characters = 0
  const count = (chunk: string): void => options.onProgress?.((characters += chunk.length))
  const reserved = new Set<string>()
  const placeholders = createPlaceholders(reserved)
  for await (const part of partsOf(open(), count)) {
    for (const [, id] of part.text.matchAll(new RegExp(PLACEHOLDER.source, 'gi'))) if (id) reserved.add(id)
    learn(part, { placeholders, needles, memory })
  }
  let isTail = false
  for await (const part of partsOf(open(), count)) {
    const text = rewrite(part, { placeholders, needles, memory })
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

interface Sanitizing {
  readonly placeholders: Placeholders
  readonly needles: Needles
  readonly memory: Memory
}

function learn(part: HarPart, { placeholders, needles, memory }: Sanitizing): void {
  for (const { secret, raw } of secretsOfPart(part, { allowOrigins: undefined, memory })) {
    const id = placeholders.idOf(secret.value, secret)
    if (id === undefined) continue
    needles.add(secret.value, id)
    needles.add(raw, id)
  }
  for (const { value, kind } of credentialsOf([...leavesOf(part.text)])) {
    const id = value.length < LONG_ENOUGH ? undefined : placeholders.idOf(value, { kind, jwt: undefined })
    if (id !== undefined) needles.add(value, id)
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
    const { path, raw } = leaf
    if (path.at(-1) !== 'value') return []
    const name = names.get(path.slice(0, -1).join('.')) ?? ''
    const list = path.at(-3)
    const one = (value: string, kind: SecretKind): Credential[] =>
      value === '' || PLACEHOLDER.test(value) ? [] : [{ leaf, value, kind }]
    if (list === 'cookies') return one(raw, 'cookie')
    if (list !== 'headers') return []
    if (AUTHORIZATION.test(name)) return one(raw.replace(/^[\w-]+ +(?=\S)/, ''), 'secret')
    if (/^set-cookie$/i.test(name)) return one(/^[^=;]*=([^;]*)/.exec(raw)?.[1] ?? '', 'cookie')
    if (!/^cookie$/i.test(name)) return []
    return raw.split(';').flatMap((pair) => one(/=\s*(.*)$/.exec(pair)?.[1] ?? '', 'cookie'))
  })
}

function rewrite({ text }: HarPart, sanitizing: Sanitizing): string {
  const leaves = [...leavesOf(text)]
  const credentials = byLeaf(credentialsOf(leaves))
  const encodings = new Set(
    leaves
      .filter(({ path, raw }) => path.at(-1) === 'encoding' && raw === 'base64')
      .map(({ path }) => path.slice(0, -1).join('.')),
  )
  let out = ''
  let copied = 0
  for (const leaf of leaves) {
    const isBase64 = leaf.path.at(-1) === 'text' && encodings.has(leaf.path.slice(0, -1).join('.'))
    const own = credentials.get(leaf) ?? []
    const raw = isBase64 ? rewriteBase64(leaf.raw, sanitizing) : rewriteLeaf(leaf, own, sanitizing)
    if (raw === leaf.raw) continue
    out += text.slice(copied, leaf.offset) + raw
    copied = leaf.offset + leaf.raw.length
  }
  return copied === 0 ? text : out + text.slice(copied)
}

function byLeaf(credentials: readonly Credential[]): Map<Leaf, Credential[]> {
  const map = new Map<Leaf, Credential[]>()
  for (const one of credentials) map.set(one.leaf, [...(map.get(one.leaf) ?? []), one])
  return map
}

function rewriteLeaf({ raw, path }: Leaf, own: readonly Credential[], { placeholders, needles }: Sanitizing): string {
  const isUrl = /^(?:url|redirectURL)$/.test(path.at(-1) ?? '')
  let text = needles.replace(raw, isUrl ? inUrl : plainly)
  for (const { value, kind } of own) {
    const id = placeholders.idOf(value, { kind, jwt: undefined })
    if (id !== undefined && text.includes(value)) text = replaceLast(text, value, plainly(id))
  }
  return text
}

/** The value of a header or cookie stands after its name, which may be spelled the same. */
function replaceLast(text: string, value: string, by: string): string {
  const at = text.lastIndexOf(value)
  return text.slice(0, at) + by + text.slice(at + value.length)
}

function rewriteBase64(raw: string, { placeholders, needles, memory }: Sanitizing): string {
  const text = decodeBase64(raw)
  if (text === undefined) return raw
  const redacted = redact(needles.replace(text, plainly), { placeholders, memory })
  return redacted === text ? raw : encodeBase64(redacted)
}

const encodeBase64 = (text: string): string =>
  btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''))

const plainly = (id: string): string => `{{${id}}}`
/** HAR wants URLs to be URLs. */
const inUrl = (id: string): string => `%7B%7B${id}%7D%7D`

/** The entries are over with the first bracket. A recording of ours has its own list before them. */
function withReferences(tail: string, placeholders: Placeholders): string {
  const references = placeholders.references()
  if (references.length === 0 || /"_tokens"\s*:/.test(tail)) return tail
  const at = tail.indexOf(']') + 1
  return `${tail.slice(0, at)},"_tokens":${JSON.stringify(references)}${tail.slice(at)}`
}
