import type { TokenReference } from '../har/format.ts'

/** How `sanitize` works. */
export interface SanitizeOptions {
  /** The name of the input; its ending tells what kind of file it is. */
  readonly file?: string
  readonly as?: 'log' | 'file' | 'har'
  /** Is told what was replaced, when all is written. */
  readonly onDone?: (replaced: readonly TokenReference[]) => void
  /** Is told how many characters are read. A HAR is read twice. */
  readonly onProgress?: (characters: number) => void
}
