import type { HarPair } from '../har/format.ts'
import { invalid, isPlace, placesIn, textOf } from './place.ts'

export interface Credential extends HarPair {
  readonly in: 'header' | 'query'
}

/** What an `auth` of Postman sends. `undefined`: nothing. */
export function credentialOf(
  auth: unknown,
  { name, fill }: { readonly name: string; readonly fill: (text: string) => string },
): Credential | undefined {
  if (!isPlace(auth)) return undefined
  const type = textOf(auth['type'])
  const settings = settingsOf(auth[type])
  const get = (key: string): string => fill(settings.get(key) ?? '')
  switch (type) {
    case 'noauth':
    case '':
      return undefined
    case 'bearer':
      return { in: 'header', name: 'Authorization', value: `Bearer ${get('token')}` }
    case 'basic':
      return { in: 'header', name: 'Authorization', value: `Basic ${base64(`${get('username')}:${get('password')}`)}` }
    case 'apikey':
      return { in: get('in') === 'query' ? 'query' : 'header', name: get('key'), value: get('value') }
    case 'oauth2': {
      const value = get('accessToken') || fill('{{access_token}}')
      return get('addTokenTo') === 'queryParams'
        ? { in: 'query', name: 'access_token', value }
        : { in: 'header', name: 'Authorization', value: `${get('headerPrefix').trim() || 'Bearer'} ${value}` }
    }
    default:
      throw invalid(
        `${name}: this kind of authorization is not read: ${/^\w{1,16}$/.test(type) ? type : 'unknown'}. Set it to "Bearer Token" or "No Auth" in Postman, and export again`,
      )
  }
}

/** A list in format 2.1, an object in 2.0. */
function settingsOf(settings: unknown): Map<string, string> {
  if (Array.isArray(settings))
    return new Map(placesIn(settings).map((one) => [textOf(one['key']), textOf(one['value'])]))
  return new Map(Object.entries(isPlace(settings) ? settings : {}).map(([key, value]) => [key, textOf(value)]))
}

function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''))
}
