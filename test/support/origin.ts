import type { Ports } from 'tokenward'

/** What the tabs of one origin share: locks, channels, records. Everything works, and takes one turn of promises. */
export interface Origin extends Pick<Ports, 'locks' | 'openChannel' | 'records'> {
  readonly stored: Map<string, unknown>
  readonly posted: { readonly name: string; readonly message: object }[]
  readonly channels: Set<object>
  readonly held: Map<string, number>
}

export function createOrigin(): Origin {
  const queues = new Map<string, Promise<unknown>>()
  const held = new Map<string, number>()
  const stored = new Map<string, unknown>()
  const posted: { name: string; message: object }[] = []
  const channels = new Set<{ readonly name: string; readonly listener: (message: unknown) => void }>()

  return {
    stored,
    posted,
    channels,
    held,
    locks(name, task, signal) {
      const before = queues.get(name) ?? Promise.resolve()
      const turn = before.then(async () => {
        if (signal.aborted) throw new DOMException('The request was aborted', 'AbortError')
        held.set(name, (held.get(name) ?? 0) + 1)
        try {
          return await task()
        } finally {
          held.set(name, (held.get(name) ?? 1) - 1)
        }
      })
      queues.set(
        name,
        turn.catch(() => {}),
      )
      return new Promise((resolve, reject) => {
        const abort = (): void => reject(new DOMException('The request was aborted', 'AbortError'))
        signal.addEventListener('abort', abort)
        turn.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
      })
    },
    openChannel(name, listener) {
      const channel = { name, listener }
      channels.add(channel)
      return {
        post(message) {
          const copy: unknown = structuredClone(message)
          posted.push({ name, message })
          for (const other of [...channels]) {
            if (other === channel || other.name !== name) continue
            queueMicrotask(() => {
              if (channels.has(other)) other.listener(copy)
            })
          }
        },
        close: () => void channels.delete(channel),
      }
    },
    async records(name, change) {
      await Promise.resolve()
      stored.set(name, change(structuredClone(stored.get(name))))
      await Promise.resolve()
    },
  }
}
