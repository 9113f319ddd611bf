import { readTokenResponse } from '../../sources/read.ts'
import type { TokenResponse } from '../../token.ts'
import { fieldsOfBody, fieldsOfText } from '../har/bodies.ts'
import { type Field, headerOf, parseJson } from '../har/fields.ts'
import type { ExchangeKind, HarEntry } from '../har/format.ts'
import { textOfContent } from '../har/text-of-bytes.ts'
import { kindOfField } from './names.ts'

/** An exchange as it was, secrets and all. */
export interface Observed {
  readonly entry: HarEntry
  /** The source of a manager made it: it is about tokens. */
  readonly fromSource: boolean
  /** The recording is not to have it. It tells of secrets all the same. */
  readonly isLeftOut?: boolean
}

/** What one exchange has to do with tokens. */
export interface Dealing {
  /** The tokens that it brought. */
  readonly response: TokenResponse | undefined
  /** What the request said in its body. */
  readonly fields: readonly Field[]
  /** What the answer said in its body. */
  readonly answered: readonly Field[]
  readonly exchange: ExchangeKind | undefined
}

const ENDS = /(log-?out|sign-?out|revo(ke|cation)|end-?session)\/?$/i

/** @param isToken Whether a value is known to be a token. */
export function dealingOf({ entry, fromSource }: Observed, isToken: (value: string) => boolean): Dealing {
  const { request, response } = entry
  const fields = request.postData ? fieldsOfBody(request.postData) : []
  const answered = fieldsOfText(textOfContent(response.content) ?? '', response.content.mimeType)
  const said = grantOf(fields)
  const tokens = tokensIn(entry, { answered, said, isToken: (value) => fromSource || isToken(value) })
  const isEnd = ENDS.test(request.url.replace(/[?#].*/s, ''))
  let exchange: ExchangeKind | undefined
  if (tokens) exchange = said ?? (fromSource ? 'refresh' : 'login')
  else if (isEnd && (fromSource || request.method === 'POST' || request.method === 'DELETE')) exchange = 'logout'
  else if (said && (fromSource || (response.status >= 400 && request.method === 'POST'))) exchange = said
  else if (fromSource) exchange = response.status >= 400 || response.status === 0 ? 'refresh' : 'logout'
  return { response: tokens, fields, answered, exchange }
}

/** What the fields ask for. */
function grantOf(fields: readonly Field[]): 'login' | 'refresh' | undefined {
  const given = fields.filter(({ value }) => value !== null && value !== '')
  const kinds = given.map(({ name, value }) => (value === 'refresh_token' ? 'refresh' : kindOfField(name)))
  if (kinds.includes('refresh')) return 'refresh'
  const isGrant = fields.some(({ name }) => name === 'grant_type')
  return isGrant || kinds.some((kind) => kind === 'password' || kind === 'assertion' || kind === 'verifier')
    ? 'login'
    : undefined
}

interface Clues {
  readonly answered: readonly Field[]
  /** What the request asked for. */
  readonly said: 'login' | 'refresh' | undefined
  isToken(value: string): boolean
}

/** The token response in an answer. `undefined`: it is none, as far as can be known. */
function tokensIn({ response }: HarEntry, { answered, said, isToken }: Clues): TokenResponse | undefined {
  if (response.status >= 400) return undefined
  const body = parseJson(textOfContent(response.content))
  const now = Date.parse(headerOf(response.headers, 'date') ?? '') || 0
  const read =
    typeof body === 'object' && body !== null ? readTokenResponse(body, { at: now, serverNow: now }) : undefined
  const pair = pairIn(answered)
  // `token` may be anything; what is used as one, is one, and so is what comes with another, or for a password.
  const isOne = ({ access_token, refresh_token }: TokenResponse): boolean =>
    isToken(access_token) ||
    (access_token.length >= MIN_LENGTH && (said !== undefined || refresh_token !== undefined)) ||
    answered.some(({ name, value }) => value === access_token && kindOfField(name) === 'access')
  const found = [read, pair].find((one) => one && isOne(one))
  return (
    found && {
      ...found,
      ...(found.refresh_token === undefined && pair?.access_token === found.access_token ? pair : {}),
    }
  )
}

/** What is shorter is no token. */
const MIN_LENGTH = 6

/** Tokens by other names, side by side: `{ access, refresh }`, `{ token, refresh }`, `data.attributes.token`. */
function pairIn(fields: readonly Field[]): TokenResponse | undefined {
  const places = new Map<string, Map<string, string>>()
  for (const { path, name, value } of fields) {
    if (typeof value !== 'string' || value === '') continue
    const place = path.slice(0, -1).join(' ')
    const kind =
      /^(access|refresh)$/i.exec(name)?.[0].toLowerCase() ?? (/^token$/i.test(name) ? 'token' : kindOfField(name))
    const values = places.get(place) ?? new Map<string, string>()
    if (kind !== undefined && !values.has(kind)) values.set(kind, value)
    places.set(place, values)
  }
  for (const values of places.values()) {
    const refresh = values.get('refresh')
    const access = values.get('access') ?? values.get('token')
    if (access === undefined || (refresh === undefined && !values.has('token'))) continue
    const id = values.get('id')
    return {
      access_token: access,
      ...(refresh === undefined ? {} : { refresh_token: refresh }),
      ...(id === undefined ? {} : { id_token: id }),
    }
  }
  return undefined
}
