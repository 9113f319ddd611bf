import type { HarPair } from '../har/format.ts'

/** What came back. */
export interface Came {
  readonly status: number
  readonly headers: readonly HarPair[]
  /** `undefined`: it is no text. */
  readonly text: string | undefined
  readonly setCookies: readonly string[]
}

/** Reads an answer to its end. */
export async function toCame(response: Response): Promise<Came> {
  const { status, headers } = response
  const bytes = new Uint8Array(await response.arrayBuffer())
  let text: string | undefined
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    // It is no text.
  }
  const pairs = Array.from(headers, ([name, value]) => ({ name, value }))
  return { status, headers: pairs, text, setCookies: headers.getSetCookie() }
}
