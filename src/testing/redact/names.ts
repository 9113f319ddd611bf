import type { SecretKind } from '../har/format.ts'

// What a field, header or cookie is called, without case and separators: `refreshToken` is `refreshtoken`.
const FIELDS: readonly (readonly [RegExp, SecretKind])[] = [
  [/^(refresh|rt)token$/, 'refresh'],
  [/^(access|auth|bearer|session|api)token$|^jwt$/, 'access'],
  [/^idtoken(hint)?$/, 'id'],
  [/^codeverifier$/, 'verifier'],
  [/^(authorization|auth)code$/, 'code'],
  [
    /^(.*(password|passwd|passphrase)|pwd|pass|pin|pincode|otp|totp|mfacode|onetimecode|passcode)(confirmation|confirm|again)?$/,
    'password',
  ],
  [
    /^(clientassertion|assertion|subjecttoken|actortoken|samlresponse|samlart|binarysecuritytoken|loginticket)$/,
    'assertion',
  ],
  [
    /^(clientsecret|secret|apikey|apisecret|secretkey|privatekey|devicecode|authreqid|(recovery|backup)codes?|securityanswer)$/,
    'secret',
  ],
  [/^((secret)?accesskey(id)?|subscriptionkey|authkey|masterkey|sharedkey|accountkey|signingkey)$/, 'secret'],
  [/^((j|php|asp)?sess(ion)?id|sessionkey|sid|sig|xamz(signature|securitytoken)|xgoogsignature)$/, 'secret'],
  [/^x?(csrf|xsrf)(middleware)?(token)?$|^(requestverification|authenticity|antiforgery)token$/, 'csrf'],
]

const HEADERS: readonly (readonly [RegExp, SecretKind])[] = [
  [/^x(access|auth|session|id)token$|^(xauthorization|x?authentication)$/, 'access'],
  [/^x?(csrf|xsrf)(token)?$/, 'csrf'],
  [
    /^(x)?(amzsecuritytoken|googapikey)$|secret$|(apikey|functionskey|apitoken|clientsecret|subscriptionkey|accesskey|authkey|session(id|token))$/,
    'secret',
  ],
  [/^dpop$/, 'proof'],
]

const KEYS =
  /^(AIza[\w-]{35}|ya29\.[\w-]{20,}|[sr]k_(live|test)_\w{16,}|sk-[\w-]{20,}|gh[pousr]_\w{36,}|github_pat_\w{22,}|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}|(AKIA|ASIA)[A-Z\d]{16}|SG\.[\w-]{16,}\.[\w-]{16,}|npm_\w{36})$/

const PRIVATE_KEY = /^\s*-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/

/** What a field with this name holds, if that is secret whoever it is. */
export function kindOfField(name: string): SecretKind | undefined {
  return lookUp(FIELDS, name)
}

/** Whether a value only says what belongs there: `Password`, `API key`. `my-password` may be one. */
export function isLabel(value: string): boolean {
  return kindOfField(value) !== undefined && !/.(password|passwd|passphrase)/i.test(value)
}

/** Whether a value says by itself that it is secret: as the keys of the great services do, a JWT and a private key. */
export function looksSecret(value: string): boolean {
  if (PRIVATE_KEY.test(value)) return true
  return KEYS.test(value) || (value.startsWith('eyJ') && /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*$/.test(value))
}

export function kindOfHeader(name: string): SecretKind | undefined {
  return lookUp(HEADERS, name)
}

/** A cookie that says who somebody is. */
export function kindOfCookie(name: string): SecretKind | undefined {
  if (/csrf|xsrf/i.test(name)) return 'csrf'
  return /sess|sid$|auth|token|jwt|login|remember|refresh|identity|^__(host|secure)-/i.test(name) ? 'cookie' : undefined
}

function lookUp(names: readonly (readonly [RegExp, SecretKind])[], name: string): SecretKind | undefined {
  const plain = name.replaceAll(/[^a-z\d]/gi, '').toLowerCase()
  return names.find(([pattern]) => pattern.test(plain))?.[1]
}
