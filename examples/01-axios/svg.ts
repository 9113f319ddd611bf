const SVG = 'http://www.w3.org/2000/svg'

export type Attributes = Readonly<Record<string, string | number>>

export function draw<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...inside: readonly (Element | string)[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, name)
  move(made, attributes)
  made.append(...inside)
  return made
}

export function move(drawn: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) drawn.setAttribute(name, String(value))
}
