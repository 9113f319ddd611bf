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

/** Names an entry in messages: `entry 3 (GET https://api.example.com/items)`, from 0. It may have been recorded by anybody. */
export function nameOfEntry(
  index: number,
  entry?: { request?: { method?: unknown; url?: unknown } | undefined },
): string {
  const { method, url } = entry?.request ?? {}
  const said = [
    typeof method === 'string' && /^\w{1,20}$/.test(method) ? method : '',
    typeof url === 'string' ? speakable(url) : '',
  ].filter((part) => part !== '')
  return `entry ${index}${said.length > 0 ? ` (${said.join(' ')})` : ''}`
}

/** Words, and numbers of versions. All else in a path may be a secret. */
const SPEAKABLE = /^(?:[a-z]{1,15}(?:[-_.][a-z]{1,15})*|v?\d{0,3})$/i

/** A URL without query and fragment, name and password, parameters and segments that could be secrets, and controls. */
export function speakable(url: string): string {
  const [, scheme = '', host = '', path = ''] = /^([a-z][\w+.-]*:\/\/)?(?:[^/?#]*@)?([^/?#]*)([^?#;]*)/i.exec(url) ?? []
  const segments = path.split('/').map((segment) => (SPEAKABLE.test(segment) ? segment : '\u2026'))
  return `${scheme}${host}${segments.join('/')}`.replace(/[^!-~\u2026]/g, '?')
}
