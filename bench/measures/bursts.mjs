// N requests at once with a token that has expired, told by the clock or by the server's 401. A page and its server
// are made anew for each burst. The clock is moved for both: what a contestant does not look at, a 401 tells it.
import '../lib/page.mjs'
import { measure, progress, within } from '../lib/child.mjs'
import { installClock, measuredMs, moveClock } from '../lib/clock.mjs'
import { loadContestants } from '../lib/contestants.mjs'
import { createInProcess } from '../lib/in-process.mjs'
import { createLoopback, MAX_SOCKETS } from '../lib/loopback.mjs'
import { LIFETIME_S } from '../lib/model.mjs'
import { median } from '../lib/stats.mjs'

const PATIENCE_MS = 60_000

measure(async ({ quick, only }) => {
  installClock()
  const sizes = quick ? [1, 10] : [1, 10, 100, 1_000, 10_000]
  const results = {}
  for (const { file, create, broken, notHere, ignores401, needsHttps } of await loadContestants(only)) {
    progress(file)
    if (broken ?? notHere) {
      results[file] = { doesNotApply: broken ?? notHere }
      continue
    }
    const mine = (results[file] = {})
    const places = { process: createInProcess, loopback: () => createLoopback({ https: needsHttps }) }
    for (const [place, open] of Object.entries(places)) {
      for (const told of ['clock', '401']) {
        const key = `${place}.${told}`
        if (told === '401' && ignores401) {
          mine[key] = { doesNotApply: ignores401 }
          continue
        }
        try {
          mine[key] = await burstsOf(create, open, told, sizes, place === 'process' && !quick ? 5 : 1)
        } catch (error) {
          mine[key] = { doesNotApply: `could not be set up here: ${String(error?.message ?? error).slice(0, 200)}` }
        }
      }
    }
    mine.parked = await parkedBytes(create).catch((error) => ({ doesNotApply: String(error?.message ?? error) }))
  }
  return { sizes, sockets: MAX_SOCKETS, results }
})

/** Each size several times; what is reported of time is the middle one, of counts the worst. */
async function burstsOf(create, open, told, sizes, most) {
  const rows = []
  for (const size of sizes) {
    const rounds = size >= 1_000 ? Math.min(most, 3) : most
    const found = []
    for (let round = 0; round < rounds; round++) found.push(await burst(create, open, told, size))
    if (process.env.BENCH_TIMES) console.error(told, open.name, size, (performance.now() / 1000).toFixed(1))
    const worst = (key) => Math.max(...found.map((one) => one[key]))
    rows.push({
      size,
      refreshes: worst('refreshes'),
      wire: worst('wire'),
      failures: worst('failures'),
      hung: worst('hung'),
      usEach: median(found.map(({ us }) => us / size)),
    })
  }
  return rows
}

async function burst(create, open, told, size) {
  localStorage.clear()
  sessionStorage.clear()
  const world = await open()
  globalThis.fetch = world.fetch
  const client = await create(world)
  try {
    await client.get('/before')
    if (told === 'clock') {
      moveClock((LIFETIME_S + 60) * 1000)
      if (world.close) await world.model.moveClock((LIFETIME_S + 60) * 1000)
    } else await world.model.refuseAll()
    const before = await world.counts()
    globalThis.gc?.()
    const from = measuredMs()
    let failures = 0
    let settled = 0
    const all = Array.from({ length: size }, (_, index) =>
      client.get(`/orders/${index}`).then(
        () => void (settled += 1),
        () => {
          settled += 1
          failures += 1
        },
      ),
    )
    await within(PATIENCE_MS, () => Promise.all(all), undefined)
    const us = (measuredMs() - from) * 1000
    const after = await world.counts()
    return {
      refreshes: after.refreshes - before.refreshes,
      wire: after.wire - before.wire,
      failures,
      hung: size - settled,
      us,
    }
  } finally {
    client.close?.()
    world.close?.()
  }
}

/** Bytes that a request holds while it waits for the refresh, and those of one that waits for nothing but the API. */
async function parkedBytes(create) {
  const found = { plain: [], waiting: [] }
  // What earlier bursts have left may be collected in between: the middle one of three counts.
  for (let round = 0; round < 3; round++) {
    found.plain.push(await heldBytes(create, 'apiGate', () => {}))
    found.waiting.push(await heldBytes(create, 'gate', () => moveClock((LIFETIME_S + 60) * 1000)))
  }
  const [plain, waiting] = [median(found.plain), median(found.waiting)]
  return { plain: Math.round(plain), waiting: Math.round(waiting), ratio: waiting / plain }
}

/** Those of each of many requests that are held up at `gate`. */
async function heldBytes(create, gate, prepare) {
  const size = 5_000
  localStorage.clear()
  sessionStorage.clear()
  let open
  let closed
  const world = createInProcess({ [gate]: () => closed })
  globalThis.fetch = world.fetch
  const client = await create(world)
  await client.get('/before')
  closed = new Promise((resolve) => (open = resolve))
  prepare()
  const before = await heapNow()
  const all = Array.from({ length: size }, (_, index) => client.get(`/orders/${index}`).catch(() => {}))
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  const bytes = ((await heapNow()) - before) / size
  // Some keep a refresh outside of their client: the next one would wait for this for ever.
  open()
  await within(PATIENCE_MS, () => Promise.all(all), undefined)
  client.close?.()
  return bytes
}

async function heapNow() {
  globalThis.gc?.()
  await new Promise((resolve) => setImmediate(resolve))
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
