import { readTokenResponse } from '../../sources/read.ts'
import type { TokenResponse } from '../../token.ts'
import { type Field, fieldsOf, fieldsOfBody, headerOf, parseJson } from '../har/fields.ts'
import type { ExchangeKind, HarEntry } from '../har/format.ts'
import { kindOfField } from './names.ts'

/** An exchange as it was, secrets and all. */
export interface Observed {
  readonly entry: HarEntry
  /** The source of a manager made it: it is about tokens. */
  readonly fromSource: boolean
  /** The recording is to have it. What is left out of it tells of secrets all the same. */
  readonly isIncluded: boolean
}

/** What one exchange has to do with tokens. */
export interface Dealing {
  /** The tokens that it brought. */
  readonly response: TokenResponse | undefined
  /** What the request said in its body. */
  readonly fields: readonly Field[]
  readonly exchange: ExchangeKind | undefined
}

const ENDS = /(log-?out|sign-?out|revo(ke|cation)|end-?session)\/?$/i

/** @param isToken Whether a value is known to be a token. */
export function dealingOf({ entry, fromSource }: Observed, isToken: (value: string) => boolean): Dealing {
  const { request, response } = entry
  const fields = request.postData ? fieldsOfBody(request.postData) : []
  const tokens = tokensIn(entry, (value) => fromSource || isToken(value))
  const said = grantOf(fields)
  const isEnd = ENDS.test(request.url.replace(/[?#].*/s, ''))
  let exchange: ExchangeKind | undefined
  if (tokens) exchange = said ?? (fromSource ? 'refresh' : 'login')
  else if (isEnd && (fromSource || request.method === 'POST' || request.method === 'DELETE')) exchange = 'logout'
  else if (said && (fromSource || (response.status >= 400 && request.method === 'POST'))) exchange = said
  else if (fromSource) exchange = response.status >= 400 || response.status === 0 ? 'refresh' : 'logout'
  return { response: tokens, fields, exchange }
}

/** What the fields ask for. */
function grantOf(fields: readonly Field[]): 'login' | 'refresh' | undefined {
  const kinds = fields.map(({ name, value }) => (value === 'refresh_token' ? 'refresh' : kindOfField(name)))
  if (kinds.includes('refresh')) return 'refresh'
  const isGrant = fields.some(({ name }) => name === 'grant_type')
  return isGrant || kinds.some((kind) => kind === 'password' || kind === 'assertion' || kind === 'verifier')
    ? 'login'
    : undefined
}

/** The token response in an answer. `undefined`: it is none, as far as can be known. */
function tokensIn({ response }: HarEntry, isToken: (value: string) => boolean): TokenResponse | undefined {
  const body = parseJson(response.content.text)
  if (typeof body !== 'object' || body === null || response.status >= 400) return undefined
  const now = Date.parse(headerOf(response.headers, 'date') ?? '') || 0
  const found = readTokenResponse(body, { at: now, serverNow: now })
  if (!found) return undefined
  // `token` may be anything; what is used as one, is one.
  const isNamed = (): boolean =>
    fieldsOf(body).some(({ name, value }) => value === found.access_token && kindOfField(name) === 'access')
  return isToken(found.access_token) || isNamed() ? found : undefined
}
