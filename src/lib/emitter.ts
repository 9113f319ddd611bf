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
  const entries = new Set<{ readonly type: keyof Events; readonly listener: (event: never) => void }>()
  let holding: (() => void)[] | undefined

  function batch<T>(task: () => T): T {
    if (holding) return task()
    holding = []
    try {
      return task()
    } finally {
      // What a listener emits is told after what it hears.
      for (const deliver of holding) deliver()
      holding = undefined
    }
  }

  /** Neither a listener nor whoever is told what it threw can break anything. */
  function call<E>(listener: (event: E) => void, event: E, failed?: (error: unknown) => void): void {
    try {
      listener(event)
    } catch (error) {
      if (failed) call(failed, error)
    }
  }

  return {
    on(type, listener) {
      // An object for each call: the same function may listen twice, and each undo undoes one.
      const entry = { type, listener }
      entries.add(entry)
      return () => void entries.delete(entry)
    },
    emit(type, event) {
      Object.freeze(event)
      batch(() =>
        holding?.push(() => {
          for (const entry of [...entries])
            if (entry.type === type && entries.has(entry)) call(entry.listener, event as never, report)
        }),
      )
    },
    batch,
    clear: () => entries.clear(),
  }
}
