import fc from 'fast-check'
import { parseAllDocuments, stringify } from 'yaml'
import { describe, expect, test } from 'vitest'
import { parseYaml } from '../../../src/testing/import/yaml.ts'
import { toYaml } from '../../../src/testing/export/yaml.ts'

/** What the reference implementation makes of it. */
const read = (text: string): unknown[] => parseAllDocuments(text).map((one) => one.toJS() as unknown)

const leaf = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.stringMatching(/^[ -~\n]{0,120}$/),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(
    'yes',
    '~',
    '- a',
    '#',
    '1e3',
    '0x1F',
    '<<',
    '2025-01-01T00:00:00Z',
    ' a\n  b\n',
    '\n\n',
    'a: b',
    '{',
    "'",
  ),
)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'a b', 'Content-Type', '? x')), tie('value'), {
      maxKeys: 4,
    }),
  ),
}))

describe('what programs write is read as the reference implementation reads it', () => {
  const styles = {
    blocks: {},
    'short lines': { lineWidth: 20, minContentWidth: 5 },
    'no folding': { lineWidth: 0 },
    'indented by four': { indent: 4 },
    'lists as far left as keys': { indentSeq: false },
    'in quotes': { defaultStringType: 'QUOTE_DOUBLE', lineWidth: 30 },
    'in single quotes': { defaultStringType: 'QUOTE_SINGLE', lineWidth: 30 },
    literals: { defaultStringType: 'BLOCK_LITERAL' },
    folded: { defaultStringType: 'BLOCK_FOLDED', lineWidth: 30 },
    flow: { collectionStyle: 'flow', lineWidth: 40 },
  } as const

  test.each(Object.entries(styles))('%s', (_, style) => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), value, { maxKeys: 4 }), (given) => {
        const text = stringify({ root: given }, { ...style, aliasDuplicateObjects: false })
        // Between brackets it writes a dash without quotes that it does not read as one.
        fc.pre(JSON.stringify(read(text)) === JSON.stringify([{ root: given }]))
        expect(parseYaml(text)).toEqual(read(text))
      }),
      { numRuns: 40 },
    )
  })

  test.each(['\u00a0', '\u1680', '\u2003', '\u2028', '\u3000', '\ufeff'])(
    'a space of Unicode belongs to the text (%j)',
    (space) => {
      for (const text of [space, `a${space}`, `${space}a`, `a${space}# b`, `a:${space}b`]) {
        const written = stringify({ root: [text, { key: text }, { [text]: 1 }] })
        expect(parseYaml(written)).toEqual(read(written))
      }
    },
  )

  test('what is written for Keploy, and JSON', () => {
    fc.assert(
      fc.property(value, (given) => {
        const plain = { given: JSON.parse(JSON.stringify(given)) as unknown }
        expect(parseYaml(JSON.stringify(plain, null, 2))).toEqual([plain])
        if (!JSON.stringify(plain).includes('null')) expect(parseYaml(toYaml(plain as never))).toEqual([plain])
      }),
      { numRuns: 40 },
    )
  })
})

test.each([
  ['# nothing\n', []],
  ['a: 1\n---\nb: 2\n...\n', [{ a: 1 }, { b: 2 }]],
  ['%YAML 1.2\n---\na: x # why\n', [{ a: 'x' }]],
  ['- a: 1\n  b: 2\n- - x\n  - y\n-\n  c: 3\n', [[{ a: 1, b: 2 }, ['x', 'y'], { c: 3 }]]],
  ['a:\n- 1\n- 2\nb: ""\n', [{ a: [1, 2], b: '' }]],
  ['a: one\n  two\n\n  three\nb: |-\n  x\n   y\n\nc: >\n  x\n  y\n', [{ a: 'one two\nthree', b: 'x\n y', c: 'x y\n' }]],
  ['body: \'{"a": "it\'\'s"}\'\n', [{ body: '{"a": "it\'s"}' }]],
  [
    'at: 2026-11-22T09:00:00.012Z\nn: 0x10\nf: .5\nz: ~\n',
    [{ at: '2026-11-22T09:00:00.012Z', n: 16, f: 0.5, z: null }],
  ],
])('%j', (text, wanted) => {
  expect(parseYaml(text)).toEqual(wanted)
  expect(parseYaml(text)).toEqual(read(text))
})

describe('what is not read is an error that names the line, and does not quote it', () => {
  test.each([
    ['a: &x 1\nb: *x\n', 'line 1: anchors, aliases and tags (& * !) are not read'],
    ['a: 1\nb: *x\n', 'line 2: anchors, aliases and tags (& * !) are not read'],
    ['a: !!binary abcd\n', 'line 1: anchors, aliases and tags (& * !) are not read'],
    ['a: [*x]\n', 'line 1: anchors, aliases and tags (& * !) are not read'],
    ['<<: {a: 1}\n', 'line 1: merge keys (<<) are not read'],
    ['? a\n: b\n', 'line 1: keys that begin with ? are not read'],
    ['a:\n\t- 1\n', 'line 2: tabs cannot indent: use spaces'],
    ['a: 1\na: 2\n', 'line 2: a key is there twice'],
    ['a: b: c\n', 'line 1: a text with a colon and a space in it has to be in quotes'],
    ['a: "secret\n', 'line 2: the file ends within quotes or brackets'],
    ['a: {b: 1\n', 'line 2: the file ends within quotes or brackets'],
    ['a: "\\q"\n', 'line 1: there is no such escape'],
    ['a: "x" y\n', 'line 1: something follows where nothing may'],
    ['a: 1\n  b: 2\n', 'line 2: a text with a colon and a space in it has to be in quotes'],
    ['- 1\nsecret\n', 'line 2: this line belongs to nothing before it: look at its indentation'],
    ['[1 2}\n', 'line 1: in brackets a comma or ] has to follow'],
    ['a: |x\n  b\n', 'line 1: after | or > there may be a sign and a digit'],
    ['['.repeat(100), 'line 1: more than 64 levels'],
    [`${'- '.repeat(100)}a`, 'line 1: more than 64 levels'],
  ])('%j', (text, message) => {
    expect(() => parseYaml(text)).toThrow(new SyntaxError(message))
  })

  test('whatever it is given, it ends, with a value or a SyntaxError', () => {
    const pieces = [
      'a',
      ':',
      ': ',
      '- ',
      '\n',
      '  ',
      '"',
      "'",
      '{',
      '}',
      '[',
      ']',
      ',',
      '|',
      '>',
      '#',
      '\\',
      '---\n',
      '&',
      '\t',
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (some) => {
        try {
          parseYaml(some.join(''))
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('whatever is repeated in a file, the time grows with its length and no faster', () => {
    const time = (text: string): number => {
      const before = process.cpuUsage()
      try {
        parseYaml(text)
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError)
      }
      return process.cpuUsage(before).user / 1_000
    }
    const pieces = ['a: ', '- ', '%\n', '---\n', '- 1\n', '#\n', '\n', '"', "'': \n", '? ', '[\n', ' ', 'a: |\n']
    const within: readonly (readonly [string, string, string])[] = [
      ...pieces.map((piece) => ['', piece, ''] as const),
      ['a: ', ' x', ''],
      ['a:', '\n x', ''],
      ['[', '1, ', '1]'],
      ['[', '"\\n", ', '1]'],
      ['"', '\\n', '"'],
      ['a: >\n', '  x\n\n', ''],
    ]
    const slow: string[] = []
    for (const [before, piece, after] of within) {
      const small = time(before + piece.repeat(10_000) + after)
      const large = time(before + piece.repeat(40_000) + after)
      // Four times as long may take four times as long, and some for a processor that is shared: sixteen times would be quadratic.
      if (large > 400 && large > small * 10) slow.push(`${JSON.stringify(piece)} ${small} ms, ${large} ms`)
    }
    expect(slow).toEqual([])
  })
})
