import type { Har, TokenReference } from '../har/format.ts'
import { fromBase64, toBase64, toBase64Url, toBytes, toHex, toText } from '../redact/base64.ts'
import { fillPlaceholders, placeholdersIn } from '../redact/placeholder.ts'

/** What stands for the placeholders of a recording in this replay. */
export interface Values {
  reference(id: string): TokenReference | undefined
  /** The placeholders that have to be known to fill in `text`, without those made of others. */
  needsOf(text: string): string[]
  get(id: string): string | undefined
  set(id: string, value: string): void
  /** `text` with all that is known filled in; `escape` makes of a value what may stand there. */
  fill(text: string, escape?: (value: string) => string): string
  /** Learns from `actual`, which stands where `template` stood in the recording. `false`: it does not look like it. */
  bind(template: string, actual: string): boolean
  /** All that is known, to keep it out of what is printed. */
  known(): { readonly id: string; readonly value: string }[]
}

export function createValues({ log }: Har): Values {
  const references = new Map((log._tokens ?? []).map((reference) => [reference.id, reference]))
  const values = new Map<string, string>()

  function get(id: string): string | undefined {
    const { template, encoding } = references.get(id) ?? {}
    if (template !== undefined) {
      const isComplete = needsOf(template).every((one) => values.has(one))
      return isComplete ? encode(fill(template), encoding) : undefined
    }
    const [, base, part] = /^(.*_\d+)_(payload|signature)$/.exec(id) ?? []
    if (base === undefined) return values.get(id)
    return values.get(base)?.split('.')[part === 'payload' ? 1 : 2]
  }

  function needsOf(text: string): string[] {
    const ids = placeholdersIn(text).flatMap((id) => {
      const { template } = references.get(id) ?? {}
      return template === undefined ? [id.replace(/_(payload|signature)$/, '')] : needsOf(template)
    })
    // Others are no placeholders of ours: somebody's text looks like one.
    return [...new Set(ids)].filter((id) => references.has(id))
  }

  function fill(text: string, escape = (value: string): string => value): string {
    return fillPlaceholders(text, (id) => {
      const value = get(id)
      return value === undefined ? undefined : escape(value)
    })
  }

  function bind(template: string, actual: string): boolean {
    const ids: string[] = []
    const pattern = fillPlaceholders(template.replaceAll(/[\\^$.*+?()[\]|/]/g, '\\$&'), (id) => {
      ids.push(id)
      return '([^\\u0000]+?)'
    })
    const found = new RegExp(`^${pattern.replaceAll(/[{}]/g, '\\$&')}$`, 's').exec(actual)
    if (!found) return false
    for (const [index, id] of ids.entries()) {
      const value = found[index + 1] ?? ''
      const { template: inner, encoding } = references.get(id) ?? {}
      if (inner === undefined) values.set(id, value)
      else bind(inner, decode(value, encoding) ?? '')
    }
    return true
  }

  return {
    reference: (id) => references.get(id),
    needsOf,
    get,
    set: (id, value) => void values.set(id, value),
    fill,
    bind,
    known: () => Array.from(values, ([id, value]) => ({ id, value })),
  }
}

function encode(text: string, encoding: TokenReference['encoding']): string {
  const bytes = toBytes(text)
  return encoding === 'hex' ? toHex(bytes) : encoding === 'base64' ? toBase64(bytes) : toBase64Url(bytes)
}

function decode(text: string, encoding: TokenReference['encoding']): string | undefined {
  if (encoding !== 'hex') {
    const bytes = fromBase64(text)
    return bytes && toText(bytes)
  }
  return toText(Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16)))
}
