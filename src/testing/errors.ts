/** Why the test kit cannot go on. */
export type RecordingErrorCode =
  | 'invalid_har'
  | 'unsupported_version'
  | 'secret_survived'
  | 'missing_token'
  | 'missing_body'
  | 'too_large'
  | 'no_answer'
  | 'unknown_manager'
  | 'invalid_import'
  | 'missing_value'

/**
 * What is wrong with a recording, or with what is needed to replay it. The message names the entry and the place in it,
 * and never a secret.
 */
export class RecordingError extends Error {
  override readonly name = 'RecordingError'
  readonly code: RecordingErrorCode
  /** The entry that it is about, from 0. `undefined`: it is about the whole. */
  readonly entry: number | undefined

  constructor(
    code: RecordingErrorCode,
    message: string,
    options: { entry?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.entry = options.entry
  }
}
/** Names an entry in messages: `entry 3 (GET https://api.example.com/items)`, from 0, without query and fragment. */
export function nameOfEntry(
  index: number,
  entry?: { request?: { method?: unknown; url?: unknown } | undefined },
): string {
  const { method, url } = entry?.request ?? {}
  const said = [method, typeof url === 'string' ? url.replace(/[?#].*/s, '') : undefined].filter(
    (part) => typeof part === 'string' && part !== '',
  )
  return `entry ${index}${said.length > 0 ? ` (${said.join(' ')})` : ''}`
}
