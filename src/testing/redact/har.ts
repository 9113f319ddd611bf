import { nameOfEntry, RecordingError } from '../errors.ts'
import {
  type Har,
  type HarEntry,
  type HarPair,
  type HarPostData,
  type HarResponse,
  RECORDING_VERSION,
} from '../har/format.ts'
import { fromBase64 } from './base64.ts'
import type { Observed } from './exchange.ts'
import { type Given, study } from './study.ts'
import { findSurvivor } from './survivors.ts'
import { createTextRedactor, type TextRedactor } from './text.ts'

export interface RedactOptions {
  /**
   * Fields, headers and cookies that hold secrets, by name, beside those that are known for it (`password`,
   * `client_secret`, `code_verifier`, `api_key`, `x-csrf-token` and their like). What they held is replaced everywhere.
   */
  readonly fields?: readonly string[]
  /**
   * Which claims of a token the recording may tell. Default `aud`, `scope`, `client_id` and `ttl`, its lifetime in seconds. Add
   * `sub` if that names no person: then tokens can be minted for the same subject.
   */
  readonly claims?: readonly string[]
  /** Other values that may not be in the recording. */
  readonly secrets?: readonly string[]
}

const CLAIMS = ['aud', 'scope', 'client_id', 'ttl']

/**
 * The recording of what was observed, with a placeholder wherever a secret was.
 *
 * @throws {@link RecordingError} `secret_survived`: there is one left all the same.
 */
export function toRedactedHar(observed: readonly Observed[], options: RedactOptions, given: readonly Given[]): Har {
  const { fields = [], claims = CLAIMS, secrets = [] } = options
  const others = secrets.map((value) => ({ value, kind: 'secret' as const }))
  const { vault, marks } = study(observed, { fields, given: [...given, ...others] })
  const known = vault.known()
  const redactor = createTextRedactor(known, vault)
  const entries = observed.flatMap(({ entry, isLeftOut }, index) => {
    if (isLeftOut) return []
    const { principal, exchange } = marks[index] ?? {}
    return {
      ...redactEntry(entry, redactor),
      ...(principal === undefined ? {} : { _principal: `p${principal}` }),
      ...(exchange === undefined ? {} : { _exchange: exchange }),
    }
  })
  const included = [...observed.keys()].filter((index) => !observed[index]?.isLeftOut)
  const places = new Map(included.map((index, place) => [index, place]))
  const placeOf = (index: number | null): number | null => (index === null ? null : (places.get(index) ?? null))
  const har: Har = {
    log: {
      version: '1.2',
      creator: { name: 'tokenward', version: String(RECORDING_VERSION) },
      _tokenward: RECORDING_VERSION,
      _tokens: vault.references(claims, redactor.used).map((one) => ({ ...one, issuedBy: placeOf(one.issuedBy) })),
      entries,
    },
  }
  const survivor = findSurvivor(har, known)
  if (survivor) {
    const { entry, place, id } = survivor
    const named = place.startsWith('request.url') ? undefined : har.log.entries[entry ?? -1]
    const where = entry === undefined ? 'the recording' : nameOfEntry(entry, named)
    throw new RecordingError('secret_survived', `${where}: ${id} is still in ${place}`, { entry })
  }
  return har
}

function redactEntry(entry: HarEntry, redactor: TextRedactor): HarEntry {
  const { request, response, comment } = entry
  const { redact } = redactor
  const { postData } = request
  const redirectURL = redact(response.redirectURL, { url: true })
  return {
    ...entry,
    ...(comment === undefined ? {} : { comment: redact(comment) }),
    request: {
      ...request,
      url: redact(request.url, { url: true }),
      headers: redactPairs(request.headers, redactor),
      cookies: redactPairs(request.cookies, redactor),
      queryString: redactPairs(request.queryString, redactor),
      ...(postData ? { postData: redactPostData(postData, redactor) } : {}),
    },
    response: {
      ...response,
      statusText: redact(response.statusText),
      headers: redactPairs(response.headers, redactor),
      cookies: redactPairs(response.cookies, redactor),
      content: redactContent(response, redactor),
      redirectURL,
    },
  }
}

function redactPairs<Pair extends HarPair>(pairs: readonly Pair[], { redact }: TextRedactor): Pair[] {
  return pairs.map((pair) => ({ ...pair, name: redact(pair.name), value: redact(pair.value) }))
}

function redactPostData({ text, params, ...rest }: HarPostData, redactor: TextRedactor): HarPostData {
  const { redact } = redactor
  const parts = params?.map(({ name, value, fileName, contentType, ...part }) => ({
    ...part,
    name: redact(name),
    ...(value === undefined ? {} : { value: redact(value) }),
    ...(fileName === undefined ? {} : { fileName: redact(fileName) }),
    ...(contentType === undefined ? {} : { contentType: redact(contentType) }),
  }))
  const kept = { ...rest, mimeType: redact(rest.mimeType), ...(parts ? { params: parts } : {}) }
  if (text === undefined) return kept
  if (rest._encoding !== 'base64') return { ...kept, text: redact(text) }
  const { _encoding, ...bare } = kept
  return isClean(text, redactor) ? { ...kept, text } : { ...bare, _omitted: 'secret' }
}

function redactContent({ content }: HarResponse, redactor: TextRedactor): HarResponse['content'] {
  const { text, encoding, ...rest } = content
  const kept = { ...rest, mimeType: redactor.redact(rest.mimeType) }
  if (text === undefined) return kept
  if (encoding !== 'base64') return { ...kept, text: redactor.redact(text), ...(encoding ? { encoding } : {}) }
  return isClean(text, redactor) ? { ...kept, text, encoding } : { ...kept, _omitted: 'secret' }
}

/** Bytes cannot have a placeholder in them. */
function isClean(base64: string, redactor: TextRedactor): boolean {
  const bytes = fromBase64(base64)
  return bytes !== undefined && !redactor.occursIn(bytes)
}
