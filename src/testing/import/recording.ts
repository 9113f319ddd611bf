import { RecordingError } from '../errors.ts'
import { toEntry } from '../har/check.ts'
import type { Har, HarEntry, HarPair, HarPostData } from '../har/format.ts'
import { type Include, toFilter } from '../record/filter.ts'
import { type RedactOptions, toRedactedHar } from '../redact/har.ts'
import type { Given } from '../redact/study.ts'
import { secretsOfPart } from '../scan/har-scan.ts'
import { createMemory } from '../scan/memory.ts'
import { createStandIns, type StandIns } from './stand-ins.ts'

/** How a foreign recording is taken in. */
export interface ImportOptions {
  /** Which URLs are wanted: those that begin with a text, match an expression, or for which a function says so. Default: all. */
  readonly include?: Include
  /** What else is secret, and what may be told. */
  readonly redact?: RedactOptions
}

/** What another tool knows of an exchange. */
export interface Exchange {
  readonly method: string
  readonly url: string
  readonly headers: readonly HarPair[]
  readonly postData?: HarPostData | undefined
  readonly status: number
  readonly statusText: string
  readonly answered: readonly HarPair[]
  /** `undefined`: it was too large for the tool. */
  readonly answer: string | undefined
  /** ISO 8601. */
  readonly startedAt: string
  readonly timeMs: number
}

/**
 * What another tool knows, as an entry.
 *
 * @param index From 0, for messages.
 */
export function toHarEntry(exchange: Exchange, index: number): HarEntry {
  const { method, url, headers, postData, status, statusText, answered, answer, startedAt, timeMs } = exchange
  return toEntry(
    {
      startedDateTime: startedAt,
      time: timeMs,
      request: {
        method,
        url,
        httpVersion: 'HTTP/1.1',
        cookies: [],
        headers,
        queryString: URL.canParse(url)
          ? Array.from(new URL(url).searchParams, ([name, value]) => ({ name, value }))
          : [],
        headersSize: -1,
        bodySize: -1,
        ...(postData && { postData }),
      },
      response: {
        status,
        statusText,
        httpVersion: 'HTTP/1.1',
        cookies: [],
        headers: answered,
        content: {
          size: answer?.length ?? -1,
          mimeType: mimeTypeOf(answered),
          ...(answer === undefined ? { _omitted: 'too-large' } : { text: answer }),
        },
        redirectURL: '',
        headersSize: -1,
        bodySize: -1,
      },
      timings: { send: 0, wait: timeMs, receive: 0 },
    },
    index,
  )
}

export function mimeTypeOf(headers: readonly HarPair[]): string {
  return headers.find(({ name }) => name.toLowerCase() === 'content-type')?.value ?? ''
}

/**
 * The recording of what another tool recorded: with a placeholder wherever a token was, and what can be told of each.
 *
 * What is a token shows in how it is used, as it does to a recorder that knows no manager; what looks like one to the
 * scanner goes as well.
 */
export function toRecording(
  entries: readonly HarEntry[],
  { include, redact = {}, standIns = createStandIns() }: ImportOptions & { readonly standIns?: StandIns },
): Har {
  const isWanted = toFilter(include)
  const wanted = entries.filter(({ request }) => /^https?:/i.test(request.url) && isWanted(request.url))
  const memory = createMemory()
  const seen = wanted.flatMap((entry, index): Given[] => {
    const part = { entry: index, text: JSON.stringify(entry), line: 1, column: 1 }
    return Array.from(secretsOfPart(part, { allowOrigins: undefined, memory }), ({ secret: { value, kind } }) => ({
      value,
      kind,
    }))
  })
  const observed = wanted.map((entry) => ({ entry, fromSource: false }))
  const har = toRedactedHar(observed, redact, [...seen, ...standIns.given()])
  for (const [index, entry] of har.log.entries.entries()) {
    const name = standIns.leftIn(JSON.stringify(entry))
    if (name === undefined) continue
    const message = `entry ${index}: the variable ${shown(name)} has no value. Give it in \`values\` (--values on the command line)`
    throw new RecordingError('missing_value', message, { entry: index })
  }
  return har
}

/** A name of a variable, as far as it is one. */
function shown(name: string): string {
  return /^[\w$.-]{1,64}$/.test(name) ? name : 'with a strange name'
}
