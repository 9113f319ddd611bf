import type { HarResponse, TokenReference } from '../har/format.ts'
import { fillPlaceholders, placeholdersIn } from '../redact/placeholder.ts'
import { base64url, randomText } from './digest.ts'
import type { Reply } from './http.ts'
import type { Signer } from './jwt.ts'
import { issuerOf, type Plan } from './mock-plan.ts'
import type { PlannedExchange } from './mock-planned.ts'
import type { MockToken } from './mock-state.ts'

/** What an access token lives for where the recording does not say. */
const DEFAULT_TTL_S = 300
const REFRESH_TTL_S = 30 * 24 * 3_600

/** Headers that belong to a connection, or that whoever serves the answer sets. */
const OWN_HEADERS =
  /^(:.*|connection|keep-alive|transfer-encoding|content-encoding|content-length|date|vary|cache-control|strict-transport-security|alt-svc|access-control-.*)$/i

/** The ids in a recorded answer: `access_p1_1` for a piece of it, too. */
export function idsOfAnswer({ content, headers }: HarResponse): string[] {
  const texts = [content.text ?? '', ...headers.map(({ value }) => value)]
  return [...new Set(placeholdersIn(texts.join('\n')).map(wholeOf))]
}

/** Makes a secret for a placeholder: a JWT where the recorded one was one, with its claims, alive from now on. */
export async function mint(
  {
    plan,
    signer,
    now,
    session,
  }: {
    readonly plan: Plan
    readonly signer: Signer
    readonly now: number
    readonly session: { readonly id: string; readonly principal: string; readonly jkt: string | undefined }
  },
  id: string,
  exchange?: PlannedExchange,
): Promise<MockToken> {
  const reference = plan.tokens.get(id)
  const kind = (reference?.kind ?? id.slice(0, id.indexOf('_'))) as MockToken['kind']
  const ttlS =
    ttlOf(reference) ??
    (kind === 'access' ? (expiresIn(exchange && plan.responseOf(exchange)) ?? DEFAULT_TTL_S) : REFRESH_TTL_S)
  const issuer = issuerOf(reference, plan.exchanges)
  const { ttl: _, ...known } = reference?.claims ?? {}
  const claims = {
    ...known,
    iss: issuer,
    sub: known['sub'] ?? session.principal,
    iat: Math.floor(now / 1_000),
    exp: Math.ceil(now / 1_000) + ttlS,
    jti: randomText(12),
    ...(session.jkt !== undefined && { cnf: { jkt: session.jkt } }),
  }
  const isJwt = reference?.format === 'jwt' || kind === 'id'
  return {
    value: isJwt ? await signer.sign(claims, kind === 'access' ? 'at+jwt' : 'JWT') : randomText(32),
    id,
    kind,
    session: session.id,
    issuer,
    claims,
    expiresAt: claims.exp * 1_000,
    spentAt: undefined,
    revoked: false,
  }
}

/** A recorded answer with values for its placeholders. `undefined`: no answer came then, and none comes now. */
export function replyOf(
  exchange: PlannedExchange,
  { plan, values, now }: { readonly plan: Plan; readonly values: ReadonlyMap<string, string>; readonly now: number },
): Reply | undefined {
  if (exchange.status === 0) return undefined
  const { kind, at } = exchange
  const response = plan.responseOf(exchange)
  const valueOf = (id: string): string | undefined => valueFor(id, plan, values)
  const headers: Record<string, string[]> = {}
  for (const { name, value } of response.headers) {
    if (OWN_HEADERS.test(name)) continue
    const filled = fillPlaceholders(value, valueOf)
    ;(headers[name.toLowerCase()] ??= []).push(
      ...(/^set-cookie$/i.test(name) ? filled.split('\n').map(overHttp) : [filled]),
    )
  }
  const { text, encoding, mimeType } = response.content
  if (!headers['content-type'] && mimeType && text) headers['content-type'] = [mimeType]
  // A text goes out as UTF-8, whatever it was in once.
  if (encoding !== 'base64' && headers['content-type'])
    headers['content-type'] = headers['content-type'].map((type) =>
      type.replace(/(;\s*charset=)(?!"?utf-8)[^;]*/i, '$1utf-8'),
    )
  return {
    status: response.status,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, all]) => [name, all.length === 1 ? (all[0] ?? '') : all]),
    ),
    ...(text !== undefined && {
      body: bodyOf(text, encoding, (whole) => {
        const filled = fillPlaceholders(whole, valueOf)
        return kind === undefined ? filled : withTimes(filled, now - at)
      }),
    }),
  }
}

function bodyOf(text: string, encoding: string | undefined, fill: (text: string) => string): string | Uint8Array {
  return encoding === 'base64' ? Uint8Array.from(atob(text), (character) => character.charCodeAt(0)) : fill(text)
}

/** A cookie that a server without TLS may set, on any host. */
function overHttp(line: string): string {
  const bare = line.replace(/; *Domain=[^;]*/i, '')
  return /^__(Host|Secure)-/.test(bare) ? bare : bare.replace(/; *Secure\b/i, '').replace(/; *SameSite=None\b/i, '')
}

function valueFor(id: string, plan: Plan, values: ReadonlyMap<string, string>): string | undefined {
  const value = values.get(wholeOf(id))
  if (value !== undefined) {
    if (id.endsWith('_payload')) return value.split('.')[1]
    return id.endsWith('_signature') ? value.split('.')[2] : value
  }
  const { template, encoding } = plan.tokens.get(id) ?? {}
  if (template === undefined) return undefined
  const bytes = new TextEncoder().encode(fillPlaceholders(template, (inner) => valueFor(inner, plan, values)))
  if (encoding === 'hex') return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const encoded = base64url(bytes)
  return encoding === 'base64url'
    ? encoded
    : encoded
        .replaceAll('-', '+')
        .replaceAll('_', '/')
        .padEnd(Math.ceil(encoded.length / 4) * 4, '=')
}

function wholeOf(id: string): string {
  return id.replace(/_(payload|signature)$/, '')
}

function ttlOf(reference: TokenReference | undefined): number | undefined {
  const ttl = reference?.claims['ttl']
  return typeof ttl === 'number' && ttl > 0 ? ttl : undefined
}

function expiresIn(response: HarResponse | undefined): number | undefined {
  const found = /"expires_?in"\s*:\s*"?(\d+)/i.exec(response?.content.text ?? '')?.[1]
  return found === undefined ? undefined : Number(found)
}

/** Token responses that name an instant: it lies as far ahead as it did then. */
function withTimes(text: string, laterMs: number): string {
  return text.replace(
    /("(?:exp|expires|expiry|expires_?at|expires_?on|\w*_expires_?at)"\s*:\s*)(?:"(\d{4}-\d\d-\d\dT[^"]+)"|(\d{10}(?:\d{3})?)\b)/gi,
    (whole, name: string, iso: string | undefined, epoch: string | undefined) => {
      if (iso !== undefined) {
        const then = Date.parse(iso)
        return Number.isNaN(then) ? whole : `${name}"${new Date(then + laterMs).toISOString()}"`
      }
      return `${name}${Number(epoch) + (epoch?.length === 10 ? Math.round(laterMs / 1_000) : laterMs)}`
    },
  )
}
