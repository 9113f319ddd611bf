import type { HarRequest, SecretKind, TokenReference } from '../har/format.ts'
import { fromBase64, toText } from '../redact/base64.ts'
import { placeholdersIn } from '../redact/placeholder.ts'
import { cookieOf, type Call } from './http.ts'
import { matchTemplate } from './mock-template.ts'

/** What a recorded request was let in for, and where it was. */
export interface Credential {
  readonly id: string
  readonly kind: SecretKind
  readonly in: 'header' | 'query' | 'cookie'
  readonly name: string
  /** The value with its placeholder. */
  readonly template: string
}

/** What a server gives out; all else is brought by whoever asks. */
const GIVEN: readonly SecretKind[] = ['access', 'cookie']
const BROUGHT: readonly SecretKind[] = ['secret', 'password']
/** The first of them that a request has. */
const KINDS = [...GIVEN, ...BROUGHT]

type Tokens = ReadonlyMap<string, TokenReference>
type Place = Pick<Credential, 'in' | 'name' | 'template'>

/** The access token of a request, or else its session, or else its key or its password. */
export function credentialIn({ headers, url }: HarRequest, tokens: Tokens): Credential | undefined {
  const places: Place[] = [
    ...headers.flatMap(({ name, value }) =>
      name.toLowerCase() === 'cookie' ? cookiesIn(value) : inHeader(name, value),
    ),
    ...Array.from(new URL(url).searchParams, ([name, template]) => ({ in: 'query' as const, name, template })),
  ]
  const found = places.flatMap((place) =>
    placeholdersIn(place.template)
      .map((id) => ({ ...place, id, kind: kindOf(id, tokens) }))
      .filter(({ kind }) => KINDS.includes(kind)),
  )
  return found.sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind))[0]
}

function inHeader(name: string, template: string): Place[] {
  // What is for a proxy, and where somebody came from, lets nobody in.
  return /^(proxy-authorization|referer)$/i.test(name) ? [] : [{ in: 'header', name: name.toLowerCase(), template }]
}

function cookiesIn(header: string): Place[] {
  return header.split(';').map((pair) => {
    const [name = '', ...rest] = pair.trim().split('=')
    return { in: 'cookie', name, template: rest.join('=') }
  })
}

/** Of what is encoded, that which is in it. */
function kindOf(id: string, tokens: Tokens): SecretKind {
  const inner = placeholdersIn(tokens.get(id)?.template ?? '')[0]
  return inner === undefined ? (id.slice(0, id.indexOf('_')) as SecretKind) : kindOf(inner, tokens)
}

/** Whether what this stands for is given out by the server that asks for it. */
export function isGiven({ kind }: Credential): boolean {
  return GIVEN.includes(kind)
}

/** What a request has in the place of a recorded credential, by placeholder. `undefined`: nothing that looks like it. */
export function valuesIn(call: Call, credential: Credential, tokens: Tokens): ReadonlyMap<string, string> | undefined {
  const value = {
    header: call.headers[credential.name],
    query: call.url.searchParams.get(credential.name) ?? undefined,
    cookie: cookieOf(call, credential.name),
  }[credential.in]
  return value === undefined ? undefined : unpack(credential.template, value, tokens)
}

function unpack(template: string, value: string, tokens: Tokens): ReadonlyMap<string, string> | undefined {
  const found = matchTemplate(template, value)
  const all = new Map<string, string>()
  for (const [id, one] of found ?? []) {
    const { template: inner, encoding } = tokens.get(id) ?? {}
    const bytes = inner === undefined || encoding === 'hex' ? undefined : fromBase64(one)
    const within = inner === undefined ? undefined : unpack(inner, (bytes && toText(bytes)) ?? '', tokens)
    if (inner !== undefined && !within) return undefined
    for (const [key, other] of within ?? [[id, one] as const]) all.set(key, other)
  }
  return found && all
}

/** Whether a request brings what it was recorded with: the right one where that is told, or any. */
export function bringsIt(
  call: Call,
  credential: Credential,
  { tokens, secrets }: { readonly tokens: Tokens; readonly secrets: Readonly<Record<string, string>> },
): boolean {
  const values = valuesIn(call, credential, tokens)
  return values !== undefined && [...values].every(([id, value]) => value !== '' && (secrets[id] ?? value) === value)
}
