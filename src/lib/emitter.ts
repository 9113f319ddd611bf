/** Listeners by event name. Each is called once for each event, in order, and cannot break another. */
export interface Emitter<Events> {
  on<K extends keyof Events>(type: K, listener: (event: Events[K]) => void): () => void
  emit<K extends keyof Events>(type: K, event: Events[K]): void
  /** Runs `task`, and delivers what was emitted meanwhile when it is done: no listener sees half of a change. */
  batch<T>(task: () => T): T
  clear(): void
}

/** @param report Takes what a listener threw. */
export function createEmitter<Events>(report: (error: unknown) => void): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<(event: never) => void>>()
  const queue: (() => void)[] = []
  let holding = false

  function batch<T>(task: () => T): T {
    if (holding) return task()
    holding = true
    try {
      return task()
    } finally {
      for (let deliver; (deliver = queue.shift());) deliver()
      holding = false
    }
  }

  return {
    on(type, listener) {
      // A wrapper for each call: the same function may listen twice, and each undo undoes one.
      const entry = (event: never): void => listener(event)
      const entries = listeners.get(type) ?? new Set()
      listeners.set(type, entries.add(entry))
      return () => void entries.delete(entry)
    },
    emit(type, event) {
      queue.push(() => {
        const entries = listeners.get(type)
        for (const entry of [...(entries ?? [])]) {
          try {
            if (entries?.has(entry)) (entry as (event: unknown) => void)(event)
          } catch (error) {
            report(error)
          }
        }
      })
      batch(() => {})
    },
    batch,
    clear: () => listeners.clear(),
  }
}
