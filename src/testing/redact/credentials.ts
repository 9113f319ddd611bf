import { headersOf } from '../har/fields.ts'
import type { HarRequest, SecretKind } from '../har/format.ts'
import { fromBase64, toText } from './base64.ts'

export interface Credential {
  readonly value: string
  readonly kind: SecretKind
  readonly tokenType?: 'Bearer' | 'DPoP'
}

/** What a request carries in its `Authorization`. */
export function credentialsOf({ headers }: Pick<HarRequest, 'headers'>): Credential[] {
  return [...headersOf(headers, 'authorization'), ...headersOf(headers, 'proxy-authorization')].flatMap(read)
}

function read(header: string): Credential[] {
  const [, scheme = '', rest = ''] = /^([!#$%&'*+\-.^`|~\w]+)\s+(?=\S)(.*)$/.exec(header.trim()) ?? []
  // No scheme: some send nothing but the token.
  if (rest === '') return header.trim() === '' ? [] : [{ value: header.trim(), kind: 'access' }]
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return [{ value: rest, kind: 'access', tokenType: 'Bearer' }]
    case 'dpop':
      return [{ value: rest, kind: 'access', tokenType: 'DPoP' }]
    case 'basic': {
      const bytes = fromBase64(rest)
      const [, name = '', password = ''] = /^([^:]*):(.*)$/s.exec((bytes && toText(bytes)) ?? '') ?? []
      // Some have no name for who asks but the key itself.
      const isKey = /^(x-oauth-basic|x|)$/.test(password)
      if (isKey) return name === '' ? [] : [{ value: name, kind: 'secret' }]
      return [{ value: password, kind: 'password' }]
    }
    default:
      return [{ value: rest, kind: 'secret' }]
  }
}
