export interface Mutant {
  readonly name: string
  readonly file: string
  /** Occurs exactly once in `file`. */
  readonly find: string
  readonly replace: string
  /** The test file that kills it. */
  readonly test: string
}

/** The test file, what is missing now, the guarding text, and what stands there instead. */
export type Guard = readonly [test: string, name: string, find: string, replace: string]

export function mutantsOf(file: string, guards: readonly Guard[]): readonly Mutant[] {
  return guards.map(([test, name, find, replace]) => ({ name, file, find, replace, test }))
}
