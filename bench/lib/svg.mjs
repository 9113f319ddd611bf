// Small charts without a library. Colours work on light and dark pages; every number is also text.
const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const style = `
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .title { font-size: 14px; font-weight: 600 }
  .ours { font-weight: 600 }
  .bar { fill: #8c959f } .bar.ours { fill: #1f883d } .bad { fill: #cf222e }
  .axis { stroke: #8c959f; stroke-opacity: .4 }
  .line { fill: none; stroke-width: 2 }
  @media (prefers-color-scheme: dark) { text { fill: #9198a1 } .bar.ours { fill: #3fb950 } .bad { fill: #f85149 } }`

function frame(width, height, title, body) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(title)}">
<title>${escape(title)}</title>
<style>${style}
</style>
<text class="title" x="8" y="20">${escape(title)}</text>
${body}
</svg>
`
}

/** @param rows `{ name, value, text, ours, bad }`; a value that is no number is only text. */
export function barChart(title, rows) {
  const left = 300
  const width = 780
  const most = Math.max(...rows.map(({ value }) => (Number.isFinite(value) ? value : 0)), 1e-9)
  const body = rows.map(({ name, value, text, ours, bad }, index) => {
    const y = 34 + index * 22
    const length = Number.isFinite(value) ? Math.max(1, (value / most) * (width - left - 150)) : 0
    const kind = `bar${ours ? ' ours' : ''}${bad ? ' bad' : ''}`
    return [
      `<text${ours ? ' class="ours"' : ''} x="${left - 8}" y="${y + 13}" text-anchor="end">${escape(name)}</text>`,
      length ? `<rect class="${kind}" x="${left}" y="${y + 2}" width="${length.toFixed(1)}" height="15" rx="2"/>` : '',
      `<text${ours ? ' class="ours"' : ''} x="${left + length + 6}" y="${y + 13}">${escape(text)}</text>`,
    ].join('\n')
  })
  return frame(width, 44 + rows.length * 22, title, body.join('\n'))
}

const OURS = '#1f883d'
const LINES = ['#8250df', '#cf222e', '#bf8700', '#0969da']

/** @param series `{ name, points: [x, y][], ours }`. `isLog`: each line of the grid is ten times the one below. */
export function lineChart(title, series, { xLabel, format = String, isLog = false }) {
  const [width, height, left, right, top, bottom] = [720, 336, 78, 16, 36, 80]
  const all = series.flatMap(({ points }) => points)
  const xTicks = ticksUpTo(Math.max(...all.map(([x]) => x)) + 1)
  const yTicks = (isLog ? powersUpTo : ticksUpTo)(Math.max(...all.map(([, y]) => y)))
  const shareOf = (value) =>
    isLog ? Math.log10(Math.max(value, 1)) / Math.log10(yTicks.at(-1)) : value / yTicks.at(-1)
  const x = (value) => (left + (value / xTicks.at(-1)) * (width - left - right)).toFixed(1)
  const y = (value) => (height - bottom - shareOf(value) * (height - top - bottom)).toFixed(1)
  const colours = [...LINES]
  const lines = series.map(({ name, points, ours }) => ({ name, points, colour: ours ? OURS : colours.shift() }))
  const body = [
    ...yTicks.map(
      (value) =>
        `<line class="axis" x1="${left}" x2="${width - right}" y1="${y(value)}" y2="${y(value)}"/><text x="${left - 6}" y="${Number(y(value)) + 4}" text-anchor="end">${escape(format(value))}</text>`,
    ),
    ...xTicks.map(
      (value) =>
        `<text x="${x(value)}" y="${height - bottom + 18}" text-anchor="middle">${escape(format(value))}</text>`,
    ),
    `<text x="${(left + width) / 2}" y="${height - bottom + 34}" text-anchor="middle">${escape(xLabel)}</text>`,
    ...lines.map(
      ({ points, colour }) =>
        `<polyline class="line" stroke="${colour}" points="${points.map(([a, b]) => `${x(a)},${y(b)}`).join(' ')}"/>`,
    ),
    ...lines.map(
      ({ name, colour }, index) =>
        `<rect x="${left + (index % 3) * 210}" y="${height - 34 + Math.floor(index / 3) * 16}" width="12" height="4" fill="${colour}"/><text x="${left + 18 + (index % 3) * 210}" y="${height - 28 + Math.floor(index / 3) * 16}">${escape(name)}</text>`,
    ),
  ]
  return frame(width, height, title, body.join('\n'))
}

/** Round numbers, from nothing to the first that is not below `most`. */
function ticksUpTo(most) {
  const rough = 10 ** Math.floor(Math.log10(most / 4))
  const step = rough * [1, 2, 2.5, 5, 10].find((times) => rough * times * 5 >= most)
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step)
}

function powersUpTo(most) {
  return Array.from({ length: Math.ceil(Math.log10(most)) + 1 }, (_, index) => 10 ** index)
}
