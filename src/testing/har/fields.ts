import type { HarPair } from './format.ts'

/** A value in a body, by the names that lead to it. */
export interface Field {
  readonly path: readonly string[]
  /** The last name that is not the index of an item. */
  readonly name: string
  readonly value: string | number | boolean | null
}

/** `undefined`: it is not JSON. */
export function parseJson(text: string | undefined): unknown {
  if (text === undefined || !/^\s*[{["\d\-tfn]/.test(text)) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The leaves of a JSON value. */
export function fieldsOf(value: unknown): Field[] {
  const fields: Field[] = []
  const todo: { value: unknown; path: readonly string[]; name: string }[] = [{ value, path: [], name: '' }]
  for (let next; (next = todo.pop());) {
    const { value: here, path, name } = next
    if (typeof here === 'object' && here !== null) {
      const isList = Array.isArray(here)
      const inner = Object.entries(here).map(([key, one]) => ({
        value: one as unknown,
        path: [...path, key],
        name: isList ? name : key,
      }))
      todo.push(...inner.reverse())
    } else if (here !== undefined) fields.push({ path, name, value: here as Field['value'] })
  }
  return fields
}

export function fieldsOfForm(text: string): Field[] {
  return Array.from(new URLSearchParams(text), ([name, value]) => ({ path: [name], name, value }))
}

/** By name in any case; the first of several. */
export function headerOf(headers: readonly HarPair[], name: string): string | undefined {
  const wanted = name.toLowerCase()
  return headers.find((header) => header.name.toLowerCase() === wanted)?.value
}

export function headersOf(headers: readonly HarPair[], name: string): string[] {
  const wanted = name.toLowerCase()
  return headers.filter((header) => header.name.toLowerCase() === wanted).map(({ value }) => value)
}

/** Browsers put a line for each cookie into one `Set-Cookie`, other clients commas, which a date may have as well. */
export function cookiesOf(header: string): string[] {
  return header.split(/\n|,(?=\s*[\w!#$%&'*+.^`|~-]+=)/)
}
