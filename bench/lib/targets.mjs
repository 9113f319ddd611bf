// What was aimed at, what came of it, and the best of the peers: what is missed is said to be missed, and why.
import { table } from './tables.mjs'

const PLACES = ['process', 'loopback']

/** Why a target is missed, by what is measured. */
const WHYS = {
  'hot path, ratio':
    'For each request it takes the URL that axios will send, asks whether the token may go there, and makes what a logout needs to abort it and a refusal to send the same bytes once more. Who only writes a header does less.',
  'bytes of a waiting request, to one of bare axios in flight':
    'What waits keeps all that its second send needs, and what lets a logout abort it at once. Compared with a request of its own that waits for the API, it holds less.',
}

export function targets({ record }) {
  const found = targetsOf(record)
  const rows = found.map(({ what, target, ours, best, isMet }) => [
    what,
    target,
    ours,
    isMet ? 'met' : '**missed**',
    best,
  ])
  const missed = found.filter(({ isMet, why }) => !isMet && why).map(({ what, why }) => `- **${what}**: ${why}`)
  const head = ['measure', 'target', 'tokenward', '', 'best peer']
  return ['## Targets', table(head, rows), missed.join('\n')].filter(Boolean).join('\n\n')
}

/** @returns Rows of `{ what, target, ours, best, isMet, why }`; what was not measured is left out. */
function targetsOf(record) {
  const us = Object.keys(record.contestants).find((file) => record.contestants[file].ours)
  const peers = Object.keys(record.contestants).filter((file) => file !== us && file !== 'bare')
  const row = (measure, what, target, isMet, of, format = String) => {
    const results = record[measure]?.results
    const ours = results?.[us] && of(results[us])
    if (!Number.isFinite(ours)) return []
    const found = peers
      .map((file) => ({ file, value: results[file] && of(results[file]) }))
      .filter(({ value }) => Number.isFinite(value))
    const best = Math.min(...found.map(({ value }) => value))
    const holders = found.filter(({ value }) => value === best).map(({ file }) => record.contestants[file].name)
    const who = holders.length > 2 ? `${holders.length} of them` : holders.join(', ')
    return [
      {
        what,
        target,
        ours: format(ours),
        best: holders.length > 0 ? `${format(best)} (${who})` : '–',
        isMet: isMet(ours),
        why: WHYS[what],
      },
    ]
  }
  const exactly = (wanted) => (value) => value === wanted
  const atMost = (wanted) => (value) => value <= wanted
  const twoDigits = (value) => value.toFixed(2)
  const bare = record.bursts?.results.bare?.parked?.plain
  return [
    ...row('hot-path', 'hot path, ratio', '<= 1.10', atMost(1.1), ({ ratio }) => ratio, twoDigits),
    ...row('hot-path', 'hot path, ticks', '0', exactly(0), ({ ticks }) => ticks),
    ...row('bursts', 'bursts: refreshes, at most', '1', exactly(1), (one) => worst(one, (burst) => burst.refreshes)),
    ...row('bursts', 'bursts: calls of the API beyond N or 2N', '0', exactly(0), (one) => worst(one, beyond)),
    ...row('bursts', 'bursts: failures', '0', exactly(0), (one) => worst(one, failuresOf)),
    ...row('bursts', 'bursts: growth from 100 to the most', '<= 1.2', atMost(1.2), growthOf, twoDigits),
    ...row(
      'bursts',
      'bytes of a waiting request, to one of bare axios in flight',
      '<= 1.5',
      atMost(1.5),
      (one) => (failuresOfAll(one) === 0 ? one.parked?.waiting / bare : undefined),
      twoDigits,
    ),
    ...row('guards', 'extra refreshes for a late 401', '0', exactly(0), ({ late401 }) => late401?.extraRefreshes),
    ...row('guards', 'refreshes for 20 late 401s', '1', exactly(1), ({ trickle }) => trickle?.refreshes),
    ...['Refused 3', 'Expired 2', 'Ahead 1'].flatMap((text) => {
      const [name, trips] = text.split(' ')
      const what = `round trips, ${name === 'Ahead' ? 'refreshed ahead' : name.toLowerCase()}`
      return row('guards', what, trips, exactly(Number(trips)), (one) => one[`recovery${name}`]?.trips)
    }),
  ]
}

const rowsOf = (result) =>
  PLACES.flatMap((place) =>
    ['clock', '401'].flatMap((told) => {
      const rows = result[`${place}.${told}`]
      return Array.isArray(rows) ? rows.map((burst) => ({ ...burst, told })) : []
    }),
  )

/** The most of all bursts. */
function worst(result, of) {
  const rows = rowsOf(result)
  return rows.length > 0 ? Math.max(...rows.map(of)) : undefined
}

export const failuresOf = ({ failures, hung }) => failures + hung
const failuresOfAll = (result) => worst(result, failuresOf)
const beyond = ({ told, size, wire }) => Math.abs(wire - (told === 'clock' ? size : 2 * size))

function growthOf(result) {
  const found = PLACES.flatMap((place) => ['clock', '401'].map((told) => result[`${place}.${told}`]))
    .filter((rows) => Array.isArray(rows) && rows.every((row) => failuresOf(row) === 0))
    .map((rows) => rows.at(-1).usEach / rows.find(({ size }) => size === 100)?.usEach)
    .filter(Number.isFinite)
  return found.length > 0 ? Math.max(...found) : undefined
}
