import { placeholdersIn } from '../redact/placeholder.ts'
import type { StandIns } from './stand-ins.ts'

const MAX_DEPTH = 16

export interface Variables {
  /** `text` with the values of its variables; one without a value is a stand-in. */
  fill(text: string): string
  /** The same of an answer, in which what nobody has named is no variable, but text. */
  fillAnswer(text: string): string
}

/**
 * Fills in variables, whose values may have variables in them.
 *
 * @param pattern Finds them, each with its name in the first group. Global.
 */
export function createVariables(
  pattern: RegExp,
  { values, standIns }: { readonly values: ReadonlyMap<string, string>; readonly standIns: StandIns },
): Variables {
  function valueOf(name: string, depth: number): string {
    const value = values.get(name)
    // One that is empty is a secret that was left out of the file.
    if (value === undefined || value === '' || depth > MAX_DEPTH) return standIns.for(name)
    return value.replace(pattern, (_, inner: string) => valueOf(inner.trim(), depth + 1))
  }

  function isNamed(name: string): boolean {
    return values.has(name) || standIns.has(name) || placeholdersIn(`{{${name}}}`).length > 0
  }

  return {
    fill: (text) => text.replace(pattern, (_, name: string) => valueOf(name.trim(), 0)),
    fillAnswer: (text) =>
      text.replace(pattern, (whole, name: string) => (isNamed(name.trim()) ? valueOf(name.trim(), 0) : whole)),
  }
}
