import { heldTokens } from '../record/held.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { ScanOptions } from './options.ts'
import type { Secret } from './secrets.ts'

/** Finds tokens that are known, whatever they look like and whatever stands beside them. */
export interface Known {
  /** The secrets of `text`: those that were found by their looks, and those that are known. */
  add(text: string, secrets: readonly Secret[]): readonly Secret[]
}

/** Shorter ones would be found by chance. */
const SHORTEST = 8
const WORDS = /[\w\-.~+/]{16,8192}={0,2}/g

/** `undefined`: nothing is known. */
export function createKnown({ manager, knownTokens = [], knownFingerprints = [] }: ScanOptions): Known | undefined {
  const held = [manager ?? []].flat().flatMap(heldTokens)
  const tokens = [...knownTokens, ...held].filter((token) => token.length >= SHORTEST).flatMap(spellings)
  const fingerprints = new Set(knownFingerprints)
  if (tokens.length === 0 && fingerprints.size === 0) return undefined

  function* find(text: string): Generator<Secret> {
    for (const { spelling, value } of tokens) {
      for (let at = text.indexOf(spelling); at !== -1; at = text.indexOf(spelling, at + spelling.length)) {
        yield secretAt(at, spelling.length, value)
      }
    }
    if (fingerprints.size === 0) return
    for (const { 0: word, index } of text.matchAll(WORDS)) {
      if (fingerprints.has(fingerprintOf(word, 'access'))) yield secretAt(index, word.length, word)
    }
  }

  return {
    add(text, secrets) {
      const isNew = ({ start, end }: Secret): boolean => !secrets.some((one) => one.start < end && start < one.end)
      return [...secrets, ...[...find(text)].filter(isNew)].sort((a, b) => a.start - b.start)
    },
  }
}

/** How a token may be written: as it is, in a URL, and within JSON. */
function spellings(value: string): { readonly spelling: string; readonly value: string }[] {
  const ways = [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]
  return [...new Set(ways)].map((spelling) => ({ spelling, value }))
}

const secretAt = (start: number, length: number, value: string): Secret => ({
  start,
  end: start + length,
  value,
  kind: 'access',
  nameStart: start,
  name: undefined,
  jwt: undefined,
})
