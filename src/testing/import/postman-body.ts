import type { HarPair, HarPostData } from '../har/format.ts'
import { invalid, isPlace, type Place, placesIn, textOf } from './place.ts'
import { mimeTypeOf } from './recording.ts'

interface About {
  readonly headers: readonly HarPair[]
  readonly name: string
  readonly fill: (text: string) => string
}

const LANGUAGES: Readonly<Record<string, string>> = {
  json: 'application/json',
  xml: 'application/xml',
  html: 'text/html',
  javascript: 'application/javascript',
  text: 'text/plain',
}

/** What a `body` of Postman sends. */
export function bodyOf(body: unknown, { headers, name, fill }: About): HarPostData | undefined {
  if (!isPlace(body) || body['disabled'] === true) return undefined
  const type = mimeTypeOf(headers)
  const mode = textOf(body['mode'])
  const enabled = (list: unknown): Place[] => placesIn(list).filter((one) => one['disabled'] !== true)
  switch (mode) {
    case '':
    case 'none':
      return undefined
    case 'raw': {
      const text = fill(textOf(body['raw']))
      return text === '' ? undefined : { mimeType: type || languageOf(body['options']), text }
    }
    case 'urlencoded': {
      const pairs = enabled(body['urlencoded']).map((one) => [fill(textOf(one['key'])), fill(textOf(one['value']))])
      return { mimeType: type || 'application/x-www-form-urlencoded', text: new URLSearchParams(pairs).toString() }
    }
    case 'formdata':
      return {
        mimeType: type || 'multipart/form-data',
        params: enabled(body['formdata']).map((one) => {
          const src = Array.isArray(one['src']) ? (one['src'] as unknown[])[0] : one['src']
          const file = textOf(src).replace(/^.*[\\/]/s, '')
          return one['type'] === 'file'
            ? { name: fill(textOf(one['key'])), fileName: file }
            : { name: fill(textOf(one['key'])), value: fill(textOf(one['value'])) }
        }),
      }
    case 'graphql': {
      const { query, variables } = isPlace(body['graphql']) ? body['graphql'] : {}
      const given = fill(textOf(variables)).trim()
      const text = `{"query":${JSON.stringify(fill(textOf(query)))}${given && `,"variables":${given}`}}`
      return { mimeType: type || 'application/json', text }
    }
    case 'file':
      return { mimeType: type, _omitted: 'unread' }
    default:
      throw invalid(`${name}: this kind of body is not read. Set it to "raw" in Postman, and export again`)
  }
}

function languageOf(options: unknown): string {
  const raw = isPlace(options) ? options['raw'] : undefined
  const language = isPlace(raw) ? textOf(raw['language']) : ''
  return Object.hasOwn(LANGUAGES, language) ? (LANGUAGES[language] ?? '') : 'text/plain'
}
