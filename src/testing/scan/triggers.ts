/**
 * What stands in a text, in this spelling, wherever a secret can be found in it. Most lines of a log have nothing of it.
 * Words, not an expression: the engine finds a word many times faster than a choice of words.
 */
const TRIGGERS = [
  ...['eyJ', 'ZXlK', 'oken', 'OKEN', 'earer', 'EARER', 'dpop', 'DPoP', 'DPOP', 'ecret', 'ECRET', 'assw', 'ASSW'],
  ...['code=', 'code%', 'code"', 'code\\', 'Code=', 'Code"', 'CODE=', 'erifier', 'ssertion', 'icket', 'jwt', 'JWT'],
  ...['-auth=', '?auth=', '&auth=', 'ya29.', 'gho_', 'ghp_', 'ghu_', 'ghs_', 'ghr_', 'xox', '.local.', '.public.'],
] as const

/** Whether it is worth to look at `text` at all. */
export const mayHoldSecret = (text: string): boolean => TRIGGERS.some((word) => text.includes(word))

/** Finds where in a text the next trigger is. */
export interface Search {
  /** The first trigger from `from` on, or -1. Must not go back. */
  next(from: number): number
}

/** Each word is looked for once over the whole text, however often the search goes on. */
export function createSearch(text: string, more: readonly string[] = []): Search {
  let pending = [...TRIGGERS, ...more].map((word) => ({ word, at: text.indexOf(word) })).filter(({ at }) => at !== -1)
  return {
    next(from) {
      let first = -1
      let isOver = false
      for (const one of pending) {
        if (one.at !== -1 && one.at < from) one.at = text.indexOf(one.word, from)
        if (one.at === -1) isOver = true
        else if (first === -1 || one.at < first) first = one.at
      }
      if (isOver) pending = pending.filter(({ at }) => at !== -1)
      return first
    },
  }
}

/**
 * A copy of `text` that keeps nothing else alive. A part of a string is, in every engine, a view of the whole: who
 * remembers a token of a log remembers a megabyte of log with it.
 */
export const detached = (text: string): string => `${text} `.slice(0, -1)
