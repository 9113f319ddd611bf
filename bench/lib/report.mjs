// The results as Markdown and charts, and the part of them that the README shows.
import { chartsOf } from './charts.mjs'
import { bytes, createNotes, fixed, table, withBest } from './tables.mjs'
import { failuresOf, targets } from './targets.mjs'

export function toReport(record) {
  const files = Object.keys(record.contestants)
  const notes = createNotes()
  const view = { record, files, notes, nameOf: (file) => record.contestants[file].name }
  const sections = [targets, size, hotPath, bursts, parked, guards, tabs]
    .map((section) => section(view))
    .filter(Boolean)
  const markdown = [
    '# Results',
    '<!-- Written by `npm run bench`. Do not edit. -->',
    machineOf(record.machine),
    'The best of each column is bold, whoever it is. Who lets requests fail is not the best at how fast, or with how little, that is.',
    ...sections,
    notes.text(),
    versionsOf(view),
  ].join('\n\n')
  return { markdown: `${markdown}\n`, charts: chartsOf(view), summary: summaryOf(record, files) }
}

const machineOf = ({ cpu, cores, memoryGB, node, platform }) =>
  `Measured on ${cores} cores of ${cpu}, ${memoryGB} GB, ${platform}, Node ${node}.`

function versionsOf({ record, files, nameOf }) {
  const rows = files.map((file) => [
    nameOf(file),
    Object.entries(record.contestants[file].versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ') || 'its own code',
  ])
  return `## Versions\n\n${table(['contestant', 'version'], rows)}`
}

/** Rows of `files` with what `cellsOf` makes of their result; one cell with the reason where there is none. */
function rowsOf({ files, nameOf, notes }, results, columns, has = () => true) {
  const present = files.filter((file) => results[file] !== undefined && has(file))
  const reasonOf = (result, why) => result.doesNotApply ?? why?.(result)
  const marks = columns.map(({ of, why, format, better, mayWin = () => true }) =>
    withBest(
      present.map((file) => {
        const result = results[file]
        return reasonOf(result, why) || !mayWin(result) ? undefined : numberOf(of(result))
      }),
      format ?? String,
      better,
    ),
  )
  return present.map((file) => {
    const result = results[file]
    const cells = columns.map(({ of, why, text }, index) => {
      const reason = reasonOf(result, why)
      if (reason) return notes.mark(reason)
      const value = of(result)
      if (text) return text(value, result)
      return Number.isFinite(value) ? marks[index](value) : String(value ?? '–')
    })
    return [nameOf(file), ...cells]
  })
}

const numberOf = (value) => (typeof value === 'number' ? value : undefined)

function size(view) {
  const { record } = view
  if (!record.size) return undefined
  const columns = ['smallest', 'full'].flatMap((kind) =>
    ['esbuild', 'vite'].flatMap((tool) =>
      ['gzip', 'brotli'].map((how) => ({
        of: (result) => result[kind]?.[tool]?.[how],
        why: (result) => result[kind]?.[tool]?.doesNotApply,
        format: bytes,
      })),
    ),
  )
  const head = [
    'contestant',
    'smallest, esbuild, gzip',
    'brotli',
    'vite, gzip',
    'brotli',
    'full use, esbuild, gzip',
    'brotli',
    'vite, gzip',
    'brotli',
  ]
  return `## Size\n\nMinified and compressed, with all dependencies but axios.\n\n${table(head, rowsOf(view, record.size.results, columns))}`
}

function hotPath(view) {
  const measured = view.record['hot-path']
  if (!measured) return undefined
  const again = measured.results['same-again']
  const columns = [
    { of: ({ us }) => us, format: fixed(1) },
    { of: ({ extraUs }) => extraUs, format: fixed(1), text: (value) => fixed(1)(value) },
    { of: ({ ratio }) => ratio, format: fixed(2) },
    { of: ({ ticks }) => ticks },
    { of: ({ bytes: allocated }) => allocated, format: (value) => `${(value / 1000).toFixed(1)} kB` },
  ]
  const noise = `Bare axios measured against itself: ratio ${again.ratio.toFixed(2)}, half of the rounds between ${again.ratioQuartiles.map(fixed(2)).join(' and ')}.`
  const head = [
    'contestant',
    'µs of processor per request',
    'more than bare',
    'ratio',
    'ticks before the transport',
    'allocated',
  ]
  return `## Hot path\n\nA request that finds a fresh token, in process: medians of ${measured.rounds} rounds of ${measured.requests} requests, in turns. ${noise}\n\n${table(head, rowsOf(view, measured.results, columns))}`
}

function bursts(view) {
  const measured = view.record.bursts
  if (!measured) return undefined
  const { sizes, sockets } = measured
  const last = sizes.at(-1)
  const parts = []
  for (const place of ['process', 'loopback']) {
    for (const told of ['clock', '401']) {
      const key = `${place}.${told}`
      const rowOf = (result, size) =>
        Array.isArray(result[key]) ? result[key].find((row) => row.size === size) : undefined
      const columns = [
        ...sizes.map((size) => ({
          of: (result) => rowOf(result, size),
          why: (result) => result[key]?.doesNotApply,
          text: (row) => (row ? `${row.refreshes} / ${row.wire} / ${failuresOf(row)}` : '–'),
        })),
        ...[100, last].map((size) => ({
          of: (result) => rowOf(result, size)?.usEach,
          why: (result) => result[key]?.doesNotApply,
          mayWin: (result) => rowOf(result, size) && failuresOf(rowOf(result, size)) === 0,
          format: fixed(0),
        })),
        {
          of: (result) => (rowOf(result, 100) ? rowOf(result, last).usEach / rowOf(result, 100).usEach : undefined),
          why: (result) => result[key]?.doesNotApply,
          mayWin: () => false,
          format: fixed(2),
        },
      ]
      const head = ['contestant', ...sizes.map((size) => `${size}`), 'µs each, 100', `µs each, ${last}`, 'growth']
      const how = told === 'clock' ? 'expired by the clock' : 'refused by the server'
      const where = place === 'process' ? 'in process' : 'over loopback HTTP'
      parts.push(`### ${how}, ${where}\n\n${table(head, rowsOf(view, measured.results, columns))}`)
    }
  }
  return `## Bursts\n\nRequests at once with a token that is no good any more: refresh calls / calls of the API / requests that failed. Growth is the time of a request among the most by that of one among a hundred. Over loopback, msal-browser is given TLS, since it takes nothing else${sockets ? `, nobody has more than ${sockets} sockets` : ''}, and there is one round: who refreshes anew for each 401 that comes late needs another number of refreshes each time.\n\n${parts.join('\n\n')}`
}

function parked(view) {
  const measured = view.record.bursts
  if (!measured) return undefined
  const noWait = (result) =>
    result['process.clock']?.some?.((row) => failuresOf(row) > 0) ? 'lets requests fail in place of waiting' : undefined
  const lost = ({ parked: { plain } = {} }) =>
    plain <= 0 ? 'the engine gave back more in the meantime than requests took' : undefined
  const whyOf = (key) => (result) =>
    result.parked?.doesNotApply ??
    (key === 'plain' ? undefined : noWait(result)) ??
    (key === 'waiting' ? undefined : lost(result))
  const columns = ['plain', 'waiting', 'ratio'].map((key) => ({
    of: (result) => result.parked?.[key],
    why: whyOf(key),
    format: key === 'ratio' ? fixed(2) : (value) => String(Math.round(value)),
  }))
  // What it adds to a request is in both; one of bare axios has none of it.
  const ofBare = measured.results.bare?.parked?.plain
  columns.push({
    of: (result) => (ofBare ? result.parked?.waiting / ofBare : undefined),
    why: whyOf('waiting'),
    format: fixed(2),
  })
  const head = [
    'contestant',
    'bytes of a request in flight',
    'bytes of one that waits for the refresh',
    'ratio',
    'to one of bare axios in flight',
  ]
  const has = (file) => file !== 'bare'
  return `## Memory of what waits\n\n${table(head, rowsOf(view, measured.results, columns, has))}`
}

function guards(view) {
  const measured = view.record.guards
  if (!measured) return undefined
  const story = (name, key, more) => ({
    of: (result) => result[name]?.[key],
    why: (result) =>
      result[name]?.doesNotApply ??
      (result[name]?.failed ? 'the request fails' : result[name]?.hung ? 'the request hangs' : undefined),
    ...more,
  })
  const columns = [
    story('late401', 'extraRefreshes'),
    story('trickle', 'refreshes'),
    story('dead', 'inBurst'),
    story('dead', 'later'),
    story('recoveryRefused', 'trips'),
    story('recoveryExpired', 'trips'),
    story('recoveryAhead', 'trips'),
  ]
  const head = [
    'contestant',
    'extra refreshes for a late 401',
    'refreshes for 20 that trickle in',
    'dead refresh token: calls in a burst of 100',
    'in 10 later requests',
    'round trips: refused',
    'expired',
    '20 s before expiry',
  ]
  return `## Late answers, dead tokens, round trips\n\n${table(head, rowsOf(view, measured.results, columns))}`
}

function tabs(view) {
  const measured = view.record.tabs
  if (!measured) return undefined
  const cases = measured.sizes.flatMap((count) => [false, true].map((reuse) => ({ count, reuse })))
  const columns = cases.map(({ count, reuse }) => ({
    of: (result) =>
      Array.isArray(result) ? result.find((one) => one.tabs === count && one.reuse === reuse) : undefined,
    why: (result) => (Array.isArray(result) ? result.find((one) => one.doesNotApply)?.doesNotApply : undefined),
    text: (one) =>
      one?.hung ? 'hangs' : one ? `${one.refreshes} / ${one.served} / ${one.alive} / ${one.ms ?? '–'}` : '–',
  }))
  const head = [
    'contestant',
    ...cases.map(({ count, reuse }) => `${count} tab${count > 1 ? 's' : ''}${reuse ? ', reuse detected' : ''}`),
  ]
  return `## Many tabs\n\nAll tabs of a profile find the token expired at once, in Chromium ${measured.browser}; a refresh takes the server ${measured.refreshMs} ms. A refresh token works once, and there is no grace: a server that takes the last one again for some seconds, as some of these expect, hides the race. Who asks in a hidden frame once a refresh has failed is told \`login_required\`, as where browsers block the cookies of third parties. Refresh calls / tabs served / tabs whose session lives on, served by one of three tries a second apart / milliseconds until all are served.\n\n${table(head, rowsOf(view, measured.results, columns))}`
}

/** The README's table: one line for each contestant, a few columns. */
function summaryOf(record, files) {
  const notes = createNotes()
  const view = { record, files, notes, nameOf: (file) => record.contestants[file].name }
  const count = record.tabs?.sizes.at(-1)
  const merged = Object.fromEntries(
    files.map((file) => [
      file,
      {
        size: record.size?.results[file]?.smallest?.esbuild?.brotli,
        hot: record['hot-path']?.results[file],
        burst: record.bursts?.results[file]?.['process.401'],
        guard: record.guards?.results[file],
        tabs: record.tabs?.results[file],
      },
    ]),
  )
  const burstOf = ({ burst }) => (Array.isArray(burst) ? burst.find((row) => row.size === 1_000) : undefined)
  const tabOf = ({ tabs: found }) =>
    Array.isArray(found) ? found.find((one) => one.tabs === count && one.reuse) : undefined
  const columns = [
    { of: (one) => one.size, format: bytes },
    { of: ({ hot }) => hot?.ratio, why: ({ hot }) => hot?.doesNotApply, format: fixed(2) },
    { of: ({ hot }) => hot?.ticks, why: ({ hot }) => hot?.doesNotApply },
    {
      of: burstOf,
      why: ({ burst }) => burst?.doesNotApply,
      text: (row) => (row ? `${row.refreshes} / ${failuresOf(row)}` : '–'),
    },
    {
      of: ({ guard }) => guard?.trickle?.refreshes,
      why: ({ guard }) => guard?.doesNotApply ?? guard?.trickle?.doesNotApply,
    },
    { of: ({ guard }) => guard?.dead?.later, why: ({ guard }) => guard?.doesNotApply ?? guard?.dead?.doesNotApply },
    {
      of: tabOf,
      why: ({ tabs: found }) =>
        found?.doesNotApply ?? (Array.isArray(found) ? found.find((one) => one.doesNotApply)?.doesNotApply : undefined),
      text: (one) => (one?.hung ? 'hangs' : one ? `${one.refreshes} / ${one.alive}` : '–'),
    },
  ]
  const head = [
    'contestant',
    'size',
    'hot path',
    'ticks',
    '1 000 refused at once: refreshes / failures',
    '20 late 401s: refreshes',
    'dead refresh token: later calls',
    `${count ?? '–'} tabs: refreshes / alive`,
  ]
  return {
    markdown: `${table(head, rowsOf(view, merged, columns))}\n\n${notes.text()}`,
    machine: machineOf(record.machine),
  }
}
