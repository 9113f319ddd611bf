import { fieldsOfCookie, fieldsOfUrl } from '../har/bodies.ts'
import { cookiesOf, type Field, headersOf } from '../har/fields.ts'
import type { HarRequest, HarResponse, SecretKind } from '../har/format.ts'
import { takeUserinfo } from '../har/userinfo.ts'
import { looksRandom } from '../scan/looks.ts'
import { credentialsOf } from './credentials.ts'
import type { Dealing } from './exchange.ts'
import { isLabel, kindOfCookie, kindOfField, kindOfHeader, looksSecret } from './names.ts'

/** A value that an exchange shows, and what it seems to be. */
export interface Evidence {
  readonly name: string
  readonly value: Field['value']
  /** `undefined`: no secret, unless somebody says so of its name. */
  readonly kind: SecretKind | undefined
}

/** What is shorter is no secret that a server gives out. */
const MIN_LENGTH = 6
/** What holds a secret or a word, depending on who has named it. */
const MAYBE = /^(token|session|ticket|auth|access|refresh)$/i

/** What a user types in for a device (RFC 8628), and no number of his: `WDJB-MJHT`. */
const USER_CODE = /^(?=.*[A-Z])[A-Z\d]{4}-?[A-Z\d]{4,5}$/

/** A header of somebody's own, if what it holds is random. */
const KEY = /(?<!idempotency|websocket|surrogate|cache|public|partition|correlation)[-_]key$/i

/** @param isCode Whether `code` is an authorization code here, and not that of a coupon. */
export function evidenceOfRequest(request: HarRequest, { fields, exchange }: Dealing, isCode: boolean): Evidence[] {
  const { url, headers, cookies, queryString } = request
  const query = queryString.map(({ name, value }) => ({ name, value, path: [name] }))
  const about = [...fields, ...query, ...fieldsOfUrl(url)]
  const hasCode =
    isCode || about.some(({ value }) => value === 'authorization_code') || query.some(({ name }) => name === 'state')
  return [
    ...about.map(({ name, value }) => {
      const isRevoked = name === 'token' && exchange === 'logout'
      const kind = isRevoked ? hintIn(fields) : name === 'code' && hasCode ? 'code' : kindOfField(name)
      return { name, value, kind: kind ?? kindByLook(name, value) }
    }),
    // Where the keys of maps and the like are. Elsewhere anything may be called a key.
    ...query.map(({ name, value }) => ({
      name,
      value,
      kind: /^(api)?key$/i.test(name) && looksRandom(value) ? ('secret' as const) : undefined,
    })),
    ...about.flatMap(({ value }) => evidenceOfAddress(value)),
    ...evidenceOfUrl(url),
    ...headersOf(headers, 'referer').flatMap(evidenceOfUrl),
    ...headers.map(({ name, value }) => ({ name, value, kind: kindOfHeader(name) ?? kindByLook(name, value) })),
    ...headers.map(({ name, value }) => ({
      name,
      value,
      kind: KEY.test(name) && looksRandom(value) ? ('secret' as const) : undefined,
    })),
    ...cookies.flatMap(({ name, value }) => evidenceOfCookie(name, value)),
    ...headersOf(headers, 'cookie').flatMap((header) =>
      header.split(';').flatMap((pair) => {
        const [name = '', ...value] = pair.trim().split('=')
        return evidenceOfCookie(name, value.join('='))
      }),
    ),
  ]
}

export function evidenceOfAnswer({ headers, cookies, redirectURL }: HarResponse, { answered }: Dealing): Evidence[] {
  const hasCode = answered.some(({ name }) => name === 'state')
  return [
    ...answered.map(({ name, value }) => {
      // In an answer a name promises little: `{ "pass": 12 }` counts tests.
      const isLikely = typeof value === 'string' && value.length >= MIN_LENGTH
      // Beside a state may also stand a coupon: addresses have one.
      const kind = name === 'code' && hasCode && looksRandom(String(value)) ? 'code' : kindOfField(name)
      const isSaid = isLikely && !(kind && isLabel(value))
      return { name, value, kind: isSaid ? (kind ?? kindByLook(name, value)) : undefined }
    }),
    ...answered.flatMap(({ value }) => evidenceOfAddress(value)),
    ...headers.map(({ name, value }) => ({ name, value, kind: kindOfHeader(name) ?? kindByLook(name, value) })),
    ...cookies.flatMap(({ name, value }) => evidenceOfCookie(name, value)),
    ...headersOf(headers, 'set-cookie')
      .flatMap(cookiesOf)
      .flatMap((cookie) => {
        const [, name = '', value = ''] = /^([^=;]*)=([^;]*)/.exec(cookie.trimStart()) ?? []
        return evidenceOfCookie(name, value, /;\s*httponly/i.test(cookie) ? 'cookie' : undefined)
      }),
    ...[...headersOf(headers, 'location'), redirectURL].flatMap(evidenceOfUrl),
  ]
}

/** A URL that somebody is sent to, or came from: the answer of an authorization endpoint is in its query, or its fragment. */
function evidenceOfUrl(url: string): Evidence[] {
  const parameters = fieldsOfUrl(url)
  const isAnswer = parameters.some(({ name }) => name === 'state' || name === 'iss')
  return [
    ...evidenceOfUserinfo(url),
    ...parameters.map(({ name, value }) => {
      // A coupon may be in a URL too, and the number of an error.
      const isCode = name === 'code' && (isAnswer || looksRandom(String(value)))
      return { name, value, kind: isCode ? ('code' as const) : (kindOfField(name) ?? kindByLook(name, value)) }
    }),
  ]
}

/** What is secret in an address that somebody tells, also of a database: a name alone is none (`ssh://git@`). */
function evidenceOfAddress(value: Field['value']): Evidence[] {
  return evidenceOfUserinfo(String(value)).filter(({ kind, value: secret }) =>
    // Documents say how an address is written: `https://user:password@host`.
    kind === 'password' ? !isLabel(String(secret)) : looksRandom(String(secret)),
  )
}

/** The password in a URL, or a key in its place. */
function evidenceOfUserinfo(url: string): Evidence[] {
  const { authorization } = takeUserinfo(url)
  const headers = authorization === undefined ? [] : [{ name: 'authorization', value: authorization }]
  return credentialsOf({ headers }).map(({ value: secret, kind }) => ({ name: '', value: secret, kind }))
}

function evidenceOfCookie(name: string, value: string, otherwise?: SecretKind): Evidence[] {
  const isKey = looksSecret(value) || looksRandom(value)
  return [
    { name, value, kind: kindOfCookie(name) ?? otherwise ?? (isKey ? 'cookie' : undefined) },
    ...fieldsOfCookie(value).map((field) => ({ ...field, kind: kindOfField(field.name) })),
  ]
}

function kindByLook(name: string, value: Field['value']): SecretKind | undefined {
  if (typeof value !== 'string') return undefined
  if (/^user_?code$/i.test(name) && (USER_CODE.test(value) || looksRandom(value))) return 'secret'
  return looksSecret(value) || (MAYBE.test(name) && looksRandom(value)) ? 'secret' : undefined
}

/** What sort of token is given back (RFC 7009 section 2.1). */
function hintIn(fields: readonly Field[]): SecretKind {
  const hint = fields.find(({ name }) => name === 'token_type_hint')?.value
  return hint === 'access_token' ? 'access' : 'refresh'
}
