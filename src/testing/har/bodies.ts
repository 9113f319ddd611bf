import { entityOf } from './entities.ts'
import { type Field, fieldsOf, fieldsOfForm, parseJson } from './fields.ts'
import type { HarPostData } from './format.ts'

/** A text in a text in a text: a request that is quoted in a form field of a multipart body is three deep. */
const DEPTH = 3

const NAME_VALUE = /(?<![\w-])([\w-]+)\s*:\s*"((?:[^"\\]|\\.)*)"/g
const ELEMENT = /<(?:[\w-]{1,50}:)?([\w.-]{1,100})(?:\s[^<>]*)?>([^<]*)<\//g
const TAG = /<[a-z][^<>]*>/gi
const ATTRIBUTE = /(?<![\w:.-])([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g
const ENTITY = /&(#?\w{2,8});/g

/** The values in a text, and in the texts within it, by the names that somebody gave them. */
export function fieldsOfText(text: string, mimeType = ''): Field[] {
  if (/^application\/x-www-form-urlencoded/i.test(mimeType)) return withInner(fieldsOfForm(text))
  if (/^multipart\//i.test(mimeType) || /^--[^\r\n]+\r?\n/.test(text)) return withInner(fieldsOfMultipart(text))
  const inner = innerFieldsOf(text)
  if (inner.length > 0) return withInner(inner)
  // Some clients forget to say that it is a form.
  return /^[\w.~%+-]+=[^\s<{]*$/.test(text) ? withInner(fieldsOfForm(text)) : []
}

/** The values that a request carries in its body, whatever it is made of. */
export function fieldsOfBody({ mimeType, text, params }: HarPostData): Field[] {
  if (params) return withInner(params.map(({ name, value = '' }) => ({ path: [name], name, value })))
  return text === undefined ? [] : fieldsOfText(text, mimeType)
}

/** What the query and the fragment of a URL say. */
export function fieldsOfUrl(url: string): Field[] {
  return withInner(parametersOf(url))
}

/** A cookie may hold JSON, percent-encoded, and with a mark before it. */
export function fieldsOfCookie(value: string): Field[] {
  const text = value.includes('%') ? decoded(value) : value
  return /^(j:)?[{[]/.test(text) ? fieldsOfText(text.replace(/^j:/, '')) : []
}

/** The fields, and what is in those that hold a text of their own. */
function withInner(fields: readonly Field[]): Field[] {
  const all = [...fields]
  let level: readonly Field[] = fields
  for (let depth = 1; depth < DEPTH && level.length > 0; depth++) {
    level = level.flatMap(({ value }) => (typeof value === 'string' ? innerFieldsOf(value) : []))
    for (const one of level) all.push(one)
  }
  return all
}

/** Before JSON: a mark of the byte order, and what keeps it from running as a script, or makes it one that calls back. */
const GUARD = /^\uFEFF?\s*(?:\)\]\}',?|while\s*\(1\);|for\s*\(;;\);|(?:\/\*\*\/\s*)?[\w$.]{1,100}\((?=\s*[{[]))?\s*/

/** Without those within. */
function innerFieldsOf(guarded: string): Field[] {
  const text = guarded.replace(GUARD, '').replace(/([}\]])\s*\);?\s*$/, '$1')
  const start = /^\s*(\S{1,12})/.exec(text)?.[1] ?? ''
  if (start.startsWith('<')) return fieldsOfMarkup(text)
  // A program may begin with a comment.
  if (/^([a-z][\w+.-]*:)?\/(?!\*)|^[?#]/i.test(start)) return parametersOf(text)
  if (/^[{["]/.test(start)) {
    const body = parseJson(text)
    if (body !== undefined) return typeof body === 'string' ? innerFieldsOf(body) : fieldsOf(body)
  }
  const isLines = /^(\{|\[|data:|event:|id:)/.test(start)
  const lines = isLines ? fieldsOfLines(text) : []
  if (lines.length > 0) return lines
  return /^(query|mutation|subscriptio|\{)/.test(start) ? fieldsOfGraphql(text) : []
}

function parametersOf(url: string): Field[] {
  const [path = ''] = /^[^?#]*/.exec(url) ?? []
  // Servers that set no cookie put the session into the path.
  const inPath = Array.from(path.matchAll(/;([\w.-]+=[^;/\s"'(){}]*)(?=[;/]|$)/g), ([, parameter = '']) => parameter)
  const all = [...inPath, url.slice(path.length + 1).replaceAll(/[?#]/g, '&')].join('&')
  return fieldsOfForm(all)
}

/** A JSON value on each line, or on each line of a stream of events. */
function fieldsOfLines(text: string): Field[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const value = parseJson(line.replace(/^data:/, ''))
    return typeof value === 'object' ? fieldsOf(value) : []
  })
}

function fieldsOfGraphql(text: string): Field[] {
  return Array.from(text.matchAll(NAME_VALUE), ([, name = '', value = '']) => {
    const plain = parseJson(`"${value}"`)
    return { path: [name], name, value: typeof plain === 'string' ? plain : value }
  })
}

/** XML and HTML: elements and attributes, and what a form of HTML would send. */
function fieldsOfMarkup(text: string): Field[] {
  const fields: Field[] = []
  const add = (name: string, value: string): void => {
    if (value.trim() !== '') fields.push({ path: [name], name, value: withoutEntities(value.trim()) })
  }
  for (const [, name = '', value = ''] of text.matchAll(ELEMENT)) add(name, value)
  for (const [tag] of text.matchAll(TAG)) {
    const attributes = new Map(
      Array.from(tag.matchAll(ATTRIBUTE), ([, name = '', double, single = '']) => [name, double ?? single] as const),
    )
    for (const [name, value] of attributes) add(name.replace(/^.*:/, ''), value)
    const [name, value] = [attributes.get('name'), attributes.get('value') ?? attributes.get('content')]
    if (name !== undefined && value !== undefined) add(name, value)
  }
  return fields
}

function withoutEntities(text: string): string {
  return text.replace(ENTITY, (whole, name: string) => entityOf(name) ?? whole)
}

/** @see [RFC 7578](https://www.rfc-editor.org/rfc/rfc7578.html) */
function fieldsOfMultipart(text: string): Field[] {
  const [boundary] = /^--[^\r\n]+/m.exec(text) ?? []
  if (boundary === undefined) return []
  return text.split(boundary).flatMap((part) => {
    const blank = /\r?\n\r?\n/.exec(part)
    if (!blank) return []
    const [, name] = /;\s*name="?([^";\r\n]*)/i.exec(part.slice(0, blank.index)) ?? []
    const value = part.slice(blank.index + blank[0].length).replace(/\r?\n$/, '')
    return name === undefined ? [] : [{ path: [name], name, value }]
  })
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
