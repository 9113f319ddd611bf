/** `{{access_p1_2}}`; in a URL, where braces may not be, `%7B%7Baccess_p1_2%7D%7D`. */
const PLACEHOLDER = /(?:\{\{|%7B%7B)([a-z]+_p\d+_\d+(?:_(?:payload|signature))?)(?:\}\}|%7D%7D)/gi

export function placeholder(id: string): string {
  return `{{${id}}}`
}

/** The ids of the placeholders in `text`, in order, each once. */
export function placeholdersIn(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(PLACEHOLDER), ([, id = '']) => id))]
}

/** `text` with what `fill` gives for each placeholder; `undefined` leaves it as it is. */
export function fillPlaceholders(text: string, fill: (id: string) => string | undefined): string {
  return text.replace(PLACEHOLDER, (whole, id: string) => fill(id) ?? whole)
}

/** Where the placeholders are. */
export function placeholderSpans(text: string): { readonly start: number; readonly end: number }[] {
  return Array.from(text.matchAll(PLACEHOLDER), (found) => ({
    start: found.index,
    end: found.index + found[0].length,
  }))
}

/** What lies between the placeholders of `text`. */
export function textWithoutPlaceholders(text: string): string {
  return text.replace(PLACEHOLDER, '\u0000')
}
