// The charts of the results.
import { barChart } from './svg.mjs'
import { bytes, fixed } from './tables.mjs'

export function chartsOf({ record, files, nameOf }) {
  const rows = (results, valueOf, textOf) =>
    files
      .filter((file) => results?.[file] && Number.isFinite(valueOf(results[file])))
      .map((file) => {
        const value = valueOf(results[file])
        return { name: nameOf(file), value, text: textOf(value), ours: record.contestants[file].ours === true }
      })
      .sort((a, b) => a.value - b.value)
  const charts = {}
  if (record.size) {
    charts.size = barChart(
      'Smallest useful import: minified, brotli',
      rows(record.size.results, (r) => r.smallest?.esbuild?.brotli, bytes),
    )
  }
  if (record['hot-path']) {
    charts['hot-path'] = barChart(
      'A request with a fresh token, bare axios = 1',
      rows(record['hot-path'].results, (r) => r.ratio, fixed(2)),
    )
  }
  if (record.guards) {
    charts.trickle = barChart(
      'Refresh calls for 20 late answers',
      rows(record.guards.results, (r) => r.trickle?.refreshes, String),
    )
  }
  if (record.tabs) {
    const count = record.tabs.sizes.at(-1)
    const of = (r) => (Array.isArray(r) ? r.find((one) => one.tabs === count && one.reuse) : undefined)
    charts.tabs = barChart(
      `Sessions alive in ${count} tabs after one expiry, with reuse detection`,
      rows(
        record.tabs.results,
        (r) => of(r)?.alive,
        (value) => `${value} of ${count}`,
      ).reverse(),
    )
  }
  return charts
}
