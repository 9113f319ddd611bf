import { withDeadline } from '../lib/deadline.ts'
import type { Timer, TokenStorage } from '../ports.ts'

/** The refresh token on its way into the shared record, and out of it. Never rejects. */
export interface Sealing {
  /** `undefined`: it cannot be kept; it lives on in memory. */
  seal(refreshToken: string | undefined, epoch: number): Promise<unknown>
  open(sealed: unknown, epoch: number): Promise<string | undefined>
  forget(): Promise<unknown>
}

export interface SealingOptions {
  readonly name: string
  readonly requestTimeoutMs: number
  readonly timer: Timer
  /** Something does not work here. */
  degraded(what: string, why: unknown): void
}

export function createSealing(
  storage: TokenStorage,
  { name, requestTimeoutMs, timer, degraded }: SealingOptions,
): Sealing {
  const bindTo = (epoch: number): string => `tokenward 1 ${name} ${epoch}`

  async function bounded<T>(task: () => Promise<T>): Promise<T | undefined> {
    try {
      return await withDeadline(task(), Math.min(1_000, requestTimeoutMs / 4), timer)
    } catch (error) {
      degraded('storage', error)
      return undefined
    }
  }

  return {
    seal: async (refreshToken, epoch) =>
      refreshToken === undefined
        ? undefined
        : bounded(async () => storage.seal(new TextEncoder().encode(refreshToken), bindTo(epoch))),
    async open(sealed, epoch) {
      if (sealed === undefined) return undefined
      const refreshToken = await bounded(async () => {
        const plain = await storage.open(sealed, bindTo(epoch))
        return plain && new TextDecoder().decode(plain)
      })
      if (!refreshToken) degraded('storage', new Error('what was kept cannot be opened'))
      return refreshToken
    },
    forget: () => bounded(async () => storage.forget()),
  }
}
