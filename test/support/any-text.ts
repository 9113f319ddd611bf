import fc from 'fast-check'

/**
 * Any text at all, halves of surrogate pairs too. What fast-check calls `binary` begins with a table of all code points,
 * which takes seconds.
 */
export const anyText: fc.Arbitrary<string> = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
})
