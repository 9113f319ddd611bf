/**
 * A text with some of its escapes taken away, and where each of its characters stands in the text that it was made of:
 * character `i` came from `starts[i]` up to `starts[i + 1]`.
 */
export interface Layer {
  readonly text: string
  /** `undefined`: it is that text. */
  readonly starts: Uint32Array | undefined
}

/** How often escapes may be within escapes: a form field in JSON in a JSON text is three. */
const DEPTH = 3

const JSON_ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
const HTML_ESCAPES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** An escape, and what it stands for. `undefined`: it is none after all. */
interface Spelling {
  readonly pattern: RegExp
  decode(escape: string): string | undefined
}

const spellings: readonly Spelling[] = [
  // A run of bytes, because several make one character.
  {
    pattern: /(?:%[\da-f]{2})+/gi,
    decode(run) {
      try {
        return decodeURIComponent(run)
      } catch {
        return undefined
      }
    },
  },
  {
    pattern: /\\(?:u[\da-f]{4}|x[\da-f]{2}|[^ux])/gi,
    decode: ([, kind = '', ...digits]) =>
      digits.length > 0 ? String.fromCharCode(parseInt(digits.join(''), 16)) : (JSON_ESCAPES[kind] ?? kind),
  },
  {
    pattern: /&(?:#\d{1,7}|#x[\da-f]{1,6}|amp|lt|gt|quot|apos);/gi,
    decode(entity) {
      const name = entity.slice(1, -1).toLowerCase()
      if (!name.startsWith('#')) return HTML_ESCAPES[name]
      const code = name.startsWith('#x') ? parseInt(name.slice(2), 16) : Number(name.slice(1))
      return code > 0x10ffff ? undefined : String.fromCodePoint(code)
    },
  },
]

/**
 * The text as it is, and as it reads when escapes are taken away: percent-encoding in every spelling, JSON's, HTML's,
 * each by itself and within each other. What is hidden by any mix of them stands plainly in one of the layers.
 */
export function* layersOf(text: string): Generator<Layer> {
  const seen = new Set([text])
  let layers: Layer[] = [{ text, starts: undefined }]
  for (let depth = 0; layers.length > 0; depth++) {
    yield* layers
    if (depth === DEPTH) return
    layers = layers
      .flatMap((layer) => spellings.map((spelling) => peel(layer, spelling)))
      .filter((layer) => layer !== undefined)
      .filter((layer) => seen.size < seen.add(layer.text).size)
  }
}

/** Takes the escapes of one kind away. `undefined`: there are none. */
function peel({ text, starts }: Layer, { pattern, decode }: Spelling): Layer | undefined {
  const origin = (index: number): number => starts?.[index] ?? index
  const parts: string[] = []
  const origins: number[] = []
  let from = 0
  const keep = (until: number): void => {
    parts.push(text.slice(from, until))
    for (let index = from; index < until; index++) origins.push(origin(index))
  }
  for (const found of text.matchAll(pattern)) {
    const [escape] = found
    const plain = decode(escape)
    if (plain === undefined) continue
    keep(found.index)
    from = found.index + escape.length
    parts.push(plain)
    let offset = found.index
    for (const character of plain) {
      for (let unit = 0; unit < character.length; unit++) origins.push(origin(offset))
      // In a run of bytes each character has bytes of its own: what is next to a secret is not taken for it.
      if (escape.startsWith('%')) offset += 3 * utf8Length(character)
    }
  }
  if (from === 0) return undefined
  keep(text.length)
  origins.push(origin(text.length))
  return { text: parts.join(''), starts: Uint32Array.from(origins) }
}

function utf8Length(character: string): number {
  const code = character.codePointAt(0) ?? 0
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
}
