import type { Har } from '../har/format.ts'
import { requestsOf } from '../export/requests.ts'
import { literal } from './literal.ts'

export interface MockFileOptions {
  /** Where the recording is, as the file sees it. Default `./recording.har`. */
  readonly recording?: string
}

/**
 * A module for Mock Service Worker in Node that serves a recording, with the bearer enforced: `server.listen()` begins,
 * `server.close()` ends it, and `mock` has fresh tokens.
 *
 * @throws {@link RecordingError} `invalid_har`, `secret_survived`: see {@link fromHar}.
 *
 * @example
 *   import { toMockFile, type Har } from 'tokenward/testing'
 *
 *   export const file = (har: Har): string => toMockFile(har, { recording: './orders.har' })
 */
export function toMockFile(har: Har, { recording = './recording.har' }: MockFileOptions = {}): string {
  requestsOf(har)
  return `${[
    '// Written from a recording. To change it, record again.',
    `import { readFile } from 'node:fs/promises'`,
    `import { http, HttpResponse } from 'msw'`,
    `import { setupServer } from 'msw/node'`,
    `import { readHar, toHandlers } from 'tokenward/testing'`,
    '',
    `const har = await readHar(await readFile(new URL(${literal(recording)}, import.meta.url), 'utf8'))`,
    '',
    '/** Gives tokens for what was signed in before the recording began, and has the settings. */',
    'export const mock = toHandlers(har, { http, HttpResponse })',
    '/** To be told to listen, and to close. */',
    'export const server = setupServer(...mock.handlers)',
  ].join('\n')}\n`
}
