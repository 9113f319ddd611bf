export function element<T extends Element>(id: string, type: new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new TypeError(`index.html has no such element: #${id}`)
  return found
}

/** Only if it changes: a screen reader reads a live region again whenever it is written. */
export function say(where: Element, text: string): void {
  if (where.textContent !== text) where.textContent = text
}
