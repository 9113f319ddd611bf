import { placeholderSpans, placeholdersIn } from '../redact/placeholder.ts'

/** What stands in `text` where the template has its placeholders, by id. `undefined`: the rest of it differs. */
export function matchTemplate(template: string, text: string): ReadonlyMap<string, string> | undefined {
  const ids: string[] = []
  let pattern = ''
  let end = 0
  for (const span of placeholderSpans(template)) {
    pattern += `${literal(template.slice(end, span.start))}([^]+?)`
    ids.push(...placeholdersIn(template.slice(span.start, span.end)))
    end = span.end
  }
  if (ids.length === 0) return template === text ? new Map() : undefined
  const values = new RegExp(`^${pattern}${literal(template.slice(end))}$`).exec(text)?.slice(1)
  return values && new Map(ids.map((id, index) => [id, values[index] ?? '']))
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** How alike a recorded body and one that came are. */
export interface Likeness {
  /** Values that are the same, and those that stand where a secret stood. */
  readonly same: number
  /** Values that differ, are missing, or were not there. */
  readonly different: number
  /** What stands where the placeholders stand, by id. */
  readonly values: ReadonlyMap<string, string>
}

/** Compares the values in two bodies: JSON and forms by their members, anything else as a whole. */
export function likeness(recorded: Readonly<Record<string, string>>, came: Readonly<Record<string, string>>): Likeness {
  const values = new Map<string, string>()
  let same = 0
  for (const [path, template] of Object.entries(recorded)) {
    const found = Object.hasOwn(came, path) ? matchTemplate(template, came[path] ?? '') : undefined
    if (!found) continue
    same += 1
    for (const [id, value] of found) values.set(id, value)
  }
  const all = new Set([...Object.keys(recorded), ...Object.keys(came)])
  return { same, different: all.size - same, values }
}

/** The values in a body by the path to each: `{ 'user.email': '...' }`. */
export function leavesOf(text: string, mimeType: string): Record<string, string> {
  if (text === '') return {}
  if (mimeType.startsWith('application/x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(text))
  try {
    const leaves: Record<string, string> = {}
    collect(JSON.parse(text), '', leaves)
    return leaves
  } catch {
    return { '': text }
  }
}

function collect(value: unknown, path: string, into: Record<string, string>): void {
  if (typeof value !== 'object' || value === null) {
    into[path] = typeof value === 'string' ? value : JSON.stringify(value)
    return
  }
  for (const [name, member] of Object.entries(value)) collect(member, path === '' ? name : `${path}.${name}`, into)
}
