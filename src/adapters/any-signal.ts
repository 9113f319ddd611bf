/** A signal that aborts with the first of two. */
export interface AnySignal {
  /** `undefined`: there is none to listen to. */
  readonly signal: AbortSignal | undefined
  /** Stops listening to both, but for `kept`. Needed where the platform does not collect such signals itself. */
  release(kept?: AbortSignal | null): void
}

/** `AbortSignal.any`, also for browsers before 2024 and for signals that are not the platform's own. */
export function anySignal(...given: readonly (AbortSignal | null | undefined)[]): AnySignal {
  const sources = given.filter((source) => !!source)
  const found = { signal: sources[0], release(_kept?: AbortSignal | null) {} }
  if (!sources[1]) return found
  try {
    found.signal = AbortSignal.any(sources)
  } catch {
    const controller = new AbortController()
    const check = (): void => {
      for (const { aborted, reason } of sources) if (aborted) controller.abort(reason)
    }
    for (const source of sources) source.addEventListener('abort', check)
    check()
    found.signal = controller.signal
    found.release = (kept) => {
      for (const source of sources) if (source !== kept) source.removeEventListener('abort', check)
    }
  }
  return found
}
