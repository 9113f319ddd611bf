import type { Io } from './command.ts'

/** Tells a person who waits how far it is. */
export interface Progress {
  /** @param done How much is read, in the unit of the total. */
  update(done: number): void
  /** Takes the line away. */
  end(): void
}

const EVERY_MS = 200

/**
 * A line on stderr that says how far the reading is: only on a terminal, and only if it takes longer than a moment.
 *
 * @param total How much there is to read, if that is known.
 */
export function createProgress({ stderr, now }: Io, what: string, total?: number): Progress {
  let shownAt = now()
  const beganAt = shownAt
  let isShown = false
  return {
    update(done) {
      if (!stderr.isTerminal || now() - shownAt < EVERY_MS) return
      shownAt = now()
      isShown = true
      const speed = done / 1e6 / Math.max((shownAt - beganAt) / 1_000, 0.001)
      const part = total ? ` ${String(Math.min(100, Math.floor((done / total) * 100)))} %` : ''
      void stderr.write(`\r\u001B[K${what}:${part} ${(done / 1e6).toFixed(0)} MB, ${speed.toFixed(0)} MB/s`)
    },
    end() {
      if (isShown) void stderr.write('\r\u001B[K')
      isShown = false
    },
  }
}
