/** Finds known values in a text, wherever they stand. */
export interface Needles {
  add(value: string, id: string): void
  /** `text` with `write(id)` wherever a value was. */
  replace(text: string, write: (id: string) => string): string
}

/** How many letters of a value are looked up. Shorter values are not looked for: they stand everywhere by chance. */
const PREFIX = 8

/** Values are found by their first letters, so that it costs the same for one as for a thousand. */
export function createNeedles(): Needles {
  const byPrefix = new Map<string, { readonly value: string; readonly id: string }[]>()

  function at(text: string, index: number): { readonly value: string; readonly id: string } | undefined {
    return byPrefix.get(text.slice(index, index + PREFIX))?.find(({ value }) => text.startsWith(value, index))
  }

  return {
    add(value, id) {
      if (value.length < PREFIX) return
      const same = byPrefix.get(value.slice(0, PREFIX)) ?? []
      if (same.some((one) => one.value === value)) return
      // The longest first: one value may begin as another does.
      same.push({ value, id })
      same.sort((a, b) => b.value.length - a.value.length)
      byPrefix.set(value.slice(0, PREFIX), same)
    },
    replace(text, write) {
      if (byPrefix.size === 0) return text
      let out = ''
      let from = 0
      for (let index = 0; index + PREFIX <= text.length; index++) {
        const needle = at(text, index)
        if (needle === undefined) continue
        out += text.slice(from, index) + write(needle.id)
        from = index + needle.value.length
        index = from - 1
      }
      return from === 0 ? text : out + text.slice(from)
    },
  }
}
