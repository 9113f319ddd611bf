// From results to Markdown. A cell that a peer cannot have says why in a footnote; the best of a row is bold, whoever it is.

export const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** Collects what does not apply, and why. */
export function createNotes() {
  const notes = []
  return {
    mark(why) {
      if (!notes.includes(why)) notes.push(why)
      return `– <sup>${notes.indexOf(why) + 1}</sup>`
    },
    text: () => notes.map((why, index) => `<sup>${index + 1}</sup> Does not apply: ${why}.`).join('\n\n'),
  }
}

/** Marks the best. @param better 'less' or 'more' */
export function withBest(values, format, better = 'less') {
  const numbers = values.filter((value) => Number.isFinite(value))
  const best = better === 'less' ? Math.min(...numbers) : Math.max(...numbers)
  return (value) => (value === best ? `**${format(value)}**` : format(value))
}

export const fixed = (digits) => (value) => value.toFixed(digits)
export const bytes = (value) => `${(value / 1000).toFixed(1)} kB`
