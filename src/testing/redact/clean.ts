import { nameOfEntry, RecordingError } from '../errors.ts'
import type { Har } from '../har/format.ts'
import { placeholdersIn } from './placeholder.ts'
import { study } from './study.ts'

/**
 * Makes sure that a recording has a placeholder wherever a token is used: it may come from a browser.
 *
 * @throws {@link RecordingError} `secret_survived`, with the entry and the cure.
 */
export function assertClean({ log }: Har): void {
  const observed = log.entries.map((entry) => ({ entry, fromSource: false }))
  const { vault } = study(observed, { fields: [], given: [] })
  const raw = vault.known().find(({ value }) => placeholdersIn(value).length === 0)
  if (raw === undefined) return
  const spelled = JSON.stringify(raw.value).slice(1, -1)
  const index = Math.max(
    0,
    log.entries.findIndex((entry) => JSON.stringify(entry).includes(spelled)),
  )
  const entry = log.entries[index]
  const named = entry?.request.url.includes(raw.value) ? undefined : entry
  const kind = raw.id.replace(/_.*/, '')
  throw new RecordingError(
    'secret_survived',
    `${nameOfEntry(index, named)}: a secret (${kind}) stands where a placeholder should. Take this file in first, with fromHar or tokenward import`,
    { entry: index },
  )
}
