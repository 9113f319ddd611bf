import { nameOfEntry, RecordingError } from '../errors.ts'
import type { Har, HarEntry, TokenReference } from '../har/format.ts'
import { placeholdersIn } from '../redact/placeholder.ts'
import type { TokenProvider } from './providers.ts'
import { textsOf } from './request.ts'
import type { Values } from './values.ts'

/** What is to become of an entry. */
export type Step = { readonly skip: string } | { readonly skip: undefined; readonly needs: readonly string[] }

export interface PlanOptions {
  readonly values: Values
  readonly tokens: TokenProvider
  readonly secrets: Readonly<Record<string, string>>
  readonly only: (entry: HarEntry, index: number) => boolean
}

/**
 * Decides, before anything is sent, what can be replayed: a login whose password nobody has cannot, and then its tokens have
 * to come from the provider.
 *
 * @throws {@link RecordingError} `missing_token`: a request needs what neither an earlier answer nor the provider gives.
 */
export async function plan({ log }: Har, { values, tokens, secrets, only }: PlanOptions): Promise<Step[]> {
  /** What answers will bring. */
  const coming = new Set<string>()
  const missing: { readonly index: number; readonly id: string }[] = []
  const steps: Step[] = []
  const has = async (id: string): Promise<boolean> => {
    if (coming.has(id) || values.get(id) !== undefined) return true
    const reference = values.reference(id)
    const value = secrets[id] ?? (reference && (await tokens.token(reference, {})))
    if (value !== undefined) values.set(id, value)
    return value !== undefined
  }

  for (const [index, entry] of log.entries.entries()) {
    const needs = values.needsOf(textsOf(entry).join('\n')).filter((id) => values.reference(id)?.kind !== 'csrf')
    const unknown: string[] = []
    const reason = reasonToSkip(entry) ?? (only(entry, index) ? undefined : 'not chosen')
    if (reason === undefined) for (const id of needs) if (!(await has(id))) unknown.push(id)
    if (reason !== undefined) steps.push({ skip: reason })
    else if (unknown.length > 0 && entry._exchange) steps.push({ skip: `nobody has ${unknown.join(', ')}` })
    else {
      missing.push(...unknown.map((id) => ({ index, id })))
      steps.push({ skip: undefined, needs })
      for (const id of broughtBy(entry)) coming.add(id)
    }
  }
  const [first] = missing
  if (first) {
    const all = missing.map(({ index, id }) => `${nameOfEntry(index, log.entries[index])} needs ${id}`)
    const message = `${all.slice(0, 5).join('; ')}${all.length > 5 ? `; and ${all.length - 5} more` : ''}: the provider has none`
    throw new RecordingError('missing_token', message, { entry: first.index })
  }
  return steps
}

/** The placeholders that the answer to an entry fills. */
function broughtBy({ response }: HarEntry): string[] {
  const { headers, content } = response
  return placeholdersIn([...headers.map(({ value }) => value), content.text ?? ''].join('\n'))
}

function reasonToSkip({ request, response, _error }: HarEntry): string | undefined {
  if (response.status === 0) return `it had no answer (${_error ?? 'unknown'})`
  if (!/^https?:/.test(request.url)) return 'it is no HTTP'
  const { postData } = request
  if (postData?._omitted) return `its body is not in the recording (${postData._omitted})`
  const file = postData?.params?.find(({ fileName, value }) => fileName !== undefined && value === undefined)
  return file ? 'the content of a file is not in the recording' : undefined
}

/** The access token that an entry was sent with: in a header, in the URL or in its body. */
export function tokenOf(entry: HarEntry, values: Values): TokenReference | undefined {
  return values
    .needsOf([...entry.request.headers.map(({ value }) => value), ...textsOf(entry)].join('\n'))
    .map((id) => values.reference(id))
    .find((reference) => reference?.kind === 'access')
}
