import type { SecretKind } from '../har/format.ts'

/** What the value of a field is, by the name of the field. `undefined`: no secret that this scanner looks for. */
export function kindOfName(name: string): SecretKind | undefined {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '')
  for (const [ending, kind] of ENDINGS) {
    if (!plain.endsWith(ending)) continue
    const before = plain.slice(0, -ending.length)
    return OTHER_TOKENS.test(before) ? undefined : kind
  }
  return undefined
}

/** What field names end with, longest first. */
const ENDINGS: readonly (readonly [string, SecretKind])[] = [
  ['refreshtoken', 'refresh'],
  ['idtokenhint', 'id'],
  ['idtoken', 'id'],
  ['codeverifier', 'verifier'],
  ['authorizationcode', 'code'],
  ['devicecode', 'code'],
  ['clientsecret', 'secret'],
  ['password', 'password'],
  ['passwd', 'password'],
  ['oauth2bearer', 'access'],
  ['tokenvalue', 'access'],
  ['wsticket', 'access'],
  ['assertion', 'assertion'],
  ['bearer', 'access'],
  ['ticket', 'access'],
  ['token', 'access'],
  ['dpop', 'access'],
  ['auth', 'access'],
  ['jwt', 'access'],
]

/** What is called a token and is none that a server would let anybody in for. */
const OTHER_TOKENS =
  /(?:csrf\w*|xsrf|antiforgery|authenticity|requestverification|page|next|prev|previous|cont|continuation|sync|resume|cursor|eos|bos|pad|unk|mask|sep|cls|eot|stop|cancel|cancellation|publishable|public|idempotency|dedupe|design|syntax|lex|parse|search|sort)$/

/** Whether `name` is the whole name of an authorization code: half the world calls something `code`. */
export const isCode = (name: string): boolean => /^(?:auth[-_]?)?code$/i.test(name)
