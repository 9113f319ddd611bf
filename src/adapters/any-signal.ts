/** A signal that aborts with the first of two. */
export interface AnySignal {
  /** `undefined`: there is none to listen to. */
  readonly signal: AbortSignal | undefined
  /** Stops listening to both, but for `kept`. Needed where the platform does not collect such signals itself. */
  release(kept?: AbortSignal): void
}

/** `AbortSignal.any`, also for browsers before 2024 and for signals that are not the platform's own. */
export function anySignal(one: AbortSignal | undefined, other: AbortSignal | undefined): AnySignal {
  if (!one || !other) return { signal: one ?? other, release() {} }
  const both = [one, other]
  try {
    return { signal: AbortSignal.any(both), release() {} }
  } catch {
    const controller = new AbortController()
    const check = (): void => {
      const aborted = both.find((source) => source.aborted)
      if (aborted) controller.abort(aborted.reason)
    }
    for (const source of both) source.addEventListener('abort', check)
    check()
    return {
      signal: controller.signal,
      release(kept) {
        for (const source of both) if (source !== kept) source.removeEventListener('abort', check)
      },
    }
  }
}
