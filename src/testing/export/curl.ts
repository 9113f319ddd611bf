import type { Har } from '../har/format.ts'
import { type ExportedRequest, requestsOf, variableOf, withBraces } from './requests.ts'

const PLACEHOLDER = /\{\{([a-z]+_p\d+_\d+(?:_(?:payload|signature))?)\}\}/g

/**
 * A shell script with one curl command for each request. Tokens come from environment variables (`access_p1_1` from
 * `TOKEN_ACCESS_P1_1`), and a variable that is missing stops the script.
 *
 * It is safe to paste, whatever the recording holds: everything is handed to curl on its standard input, with nothing left
 * in it that a shell or curl's own syntax would take for more than text, so that no token stands in the list of processes
 * either. A value of a variable is taken as it is: a token is visible ASCII, and must hold neither `"` nor `\`.
 *
 * @throws {@link RecordingError} `invalid_har`, `secret_survived`: see {@link fromHar}.
 *
 * @example
 *   import { toCurl, type Har } from 'tokenward/testing'
 *
 *   export const script = (har: Har): string => toCurl(har)
 */
export function toCurl(har: Har): string {
  const commands = requestsOf(har).map(toCommand)
  return ['#!/bin/sh', 'set -eu', ...commands].join('\n') + '\n'
}

function toCommand(request: ExportedRequest): string {
  const { method, url, headers, bearer, name, entry, index } = request
  const all = bearer === undefined ? headers : [...headers, { name: 'Authorization', value: `Bearer {{${bearer}}}` }]
  const { lines, left } = bodyOf(request)
  return [
    '',
    `# ${index}: ${comment(name)}, was answered with ${entry.response.status}`,
    ...left.map((what) => `# ${comment(what)} is not in the recording: this is not the whole request`),
    'curl --config - <<END',
    // A recording decides neither which protocols are spoken nor which files are read.
    'proto = "=http,https"',
    'globoff',
    'path-as-is',
    'silent',
    'show-error',
    line('request', method),
    ...(method === 'HEAD' ? ['head'] : []),
    line('url', withBraces(url.href)),
    // A name with nothing behind its colon would take the header away.
    ...all.map(({ name: header, value }) => line('header', value.trim() === '' ? `${header};` : `${header}: ${value}`)),
    ...lines,
    'END',
  ].join('\n')
}

function bodyOf({ entry: { request } }: ExportedRequest): { readonly lines: string[]; readonly left: string[] } {
  const { postData } = request
  if (!postData) return { lines: [], left: [] }
  const { text, params, _encoding, _omitted } = postData
  const isMultipart = /^multipart\/form-data/i.test(postData.mimeType)
  if (isMultipart && params) {
    const [files, fields] = [params.filter(isFile), params.filter((param) => !isFile(param))]
    return {
      lines: fields.map(({ name, value = '' }) => line('form-string', `${name}=${value}`)),
      left: files.map(({ name }) => `the file of ${name}`),
    }
  }
  if (_omitted !== undefined || _encoding !== undefined || text === undefined || text.includes('\0'))
    return { lines: [], left: ['the body'] }
  // Not `data`, for which a body that begins with @ is the name of a file.
  return { lines: [line('data-raw', text)], left: [] }
}

function isFile({ fileName, value }: { readonly fileName?: string; readonly value?: string }): boolean {
  return fileName !== undefined || value === undefined
}

/** A line of curl's configuration, within a here-document that fills in variables. */
function line(option: string, value: string): string {
  return `${option} = "${value.split(PLACEHOLDER).map(piece).join('')}"`
}

/** Every second piece is the id of a placeholder. */
function piece(text: string, at: number): string {
  return at % 2 === 1 ? `\${${variableOf(text)}:?}` : inDocument(quoted(text))
}

/** For curl: within double quotes a backslash speaks for what follows it. */
function quoted(text: string): string {
  return text
    .replace(/[\\"]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll('\v', '\\v')
}

/** For the shell: what a here-document would put something else in the place of. */
function inDocument(text: string): string {
  return text.replace(/[\\$`]/g, '\\$&')
}

/** On one line, and with nothing that a terminal would obey. */
function comment(text: string): string {
  return text.replace(/[^\x20-\x7E]/g, '?')
}
