import type { SecretKind } from '../har/format.ts'

// What a field, header or cookie is called, without case and separators: `refreshToken` is `refreshtoken`.
const FIELDS: readonly (readonly [RegExp, SecretKind])[] = [
  [/^(refresh|rt)token$/, 'refresh'],
  [/^(access|auth|bearer|session|api)token$|^jwt$/, 'access'],
  [/^idtoken(hint)?$/, 'id'],
  [/^codeverifier$/, 'verifier'],
  [/^authorizationcode$/, 'code'],
  [
    /^(.*(password|passwd|passphrase)|pwd|pass|pin|pincode|otp|totp|mfacode|onetimecode|passcode)(confirmation|confirm|again)?$/,
    'password',
  ],
  [/^(clientassertion|assertion|subjecttoken|actortoken|samlresponse|loginticket)$/, 'assertion'],
  [/^(clientsecret|secret|apikey|apisecret|secretkey|privatekey|devicecode|recoverycode|backupcodes?)$/, 'secret'],
  [/^x?(csrf|xsrf)(token)?$/, 'csrf'],
]

const HEADERS: readonly (readonly [RegExp, SecretKind])[] = [
  [/^x(access|auth|session|id)token$/, 'access'],
  [/^x?(csrf|xsrf)(token)?$/, 'csrf'],
  [/^(x)?(apikey|apitoken|clientsecret|amzsecuritytoken|googapikey)$/, 'secret'],
  [/^dpop$/, 'proof'],
]

/** What a field with this name holds, if that is secret whoever it is. */
export function kindOfField(name: string): SecretKind | undefined {
  return lookUp(FIELDS, name)
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
