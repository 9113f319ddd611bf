/** A signal that aborts with the first of two. */
export interface AnySignal {
  /** `undefined`: there is none to listen to. */
  readonly signal: AbortSignal | undefined
  /** Stops listening to both, but for `kept`. Needed where the platform does not collect such signals itself. */
  release(kept?: AbortSignal | null): void
}

type Source = AbortSignal | null | undefined

const release = (): void => {}

/** `AbortSignal.any`, also for browsers before 2024 and for signals that are not the platform's own. */
export function anySignal(one: Source, other: Source): AnySignal {
  if (!one || !other) return { signal: one ?? other ?? undefined, release }
  const sources = [one, other]
  try {
    return { signal: AbortSignal.any(sources), release }
  } catch {
    const controller = new AbortController()
    const check = (): void => {
      for (const { aborted, reason } of sources) if (aborted) controller.abort(reason)
    }
    for (const source of sources) source.addEventListener('abort', check)
    check()
    return {
      signal: controller.signal,
      release(kept) {
        for (const source of sources) if (source !== kept) source.removeEventListener('abort', check)
      },
    }
  }
}
