// What a client does with answers that come late, with a refresh token that is dead, and how many round trips it needs.
import '../lib/page.mjs'
import { measure, progress, within } from '../lib/child.mjs'
import { installClock, moveClock } from '../lib/clock.mjs'
import { loadContestants } from '../lib/contestants.mjs'
import { createInProcess } from '../lib/in-process.mjs'
import { LIFETIME_S } from '../lib/model.mjs'

const turn = () => new Promise((resolve) => setImmediate(resolve))
const turns = async (count) => {
  for (let index = 0; index < count; index++) await turn()
}

measure(async ({ only }) => {
  installClock()
  const results = {}
  for (const { file, create, broken, notHere, ignores401, baseline } of await loadContestants(only)) {
    progress(file)
    if (broken ?? notHere ?? (baseline && 'knows no refresh')) {
      results[file] = { doesNotApply: broken ?? notHere ?? 'knows no refresh' }
      continue
    }
    const mine = (results[file] = {})
    for (const [name, { needs401, run }] of Object.entries(STORIES)) {
      if (needs401 && ignores401) {
        mine[name] = { doesNotApply: ignores401 }
        continue
      }
      localStorage.clear()
      sessionStorage.clear()
      mine[name] = await within(
        10_000,
        () =>
          run(create).catch((error) => ({ doesNotApply: `failed: ${String(error?.message ?? error).slice(0, 160)}` })),
        { hung: true },
      )
    }
  }
  return { results }
})

async function begin(create, options) {
  const world = createInProcess(options)
  globalThis.fetch = world.fetch
  const client = await create(world)
  await client.get('/before')
  return { world, client }
}

/** Holds back the answers that `isLate` picks, until they are let go one by one. */
function createGate() {
  const held = []
  let isOpen = true
  return {
    shut: () => void (isOpen = false),
    open: () => void (isOpen = true),
    apiGate: () => (isOpen ? undefined : new Promise((resolve) => held.push(resolve))),
    held,
  }
}

const STORIES = {
  // Two requests leave with the old token; the first is refused and everything is mended; then the second's 401 comes.
  late401: {
    needs401: true,
    async run(create) {
      const gate = createGate()
      const { world, client } = await begin(create, { apiGate: gate.apiGate })
      world.model.refuseAll()
      gate.shut()
      const late = client.get('/late').then(
        () => 0,
        () => 1,
      )
      await turns(5)
      gate.open()
      const first = await client.get('/first').then(
        () => 0,
        () => 1,
      )
      const { refreshes } = await world.counts()
      gate.held.forEach((release) => release())
      const failures = first + (await late)
      const extra = (await world.counts()).refreshes - refreshes
      client.close?.()
      return { extraRefreshes: extra, failures }
    },
  },
  // Twenty leave with the old token, and their 401s trickle in one after the other.
  trickle: {
    needs401: true,
    async run(create) {
      const gate = createGate()
      const { world, client } = await begin(create, { apiGate: gate.apiGate })
      world.model.refuseAll()
      gate.shut()
      const all = Array.from({ length: 20 }, () =>
        client.get('/slow').then(
          () => 0,
          () => 1,
        ),
      )
      await turns(10)
      const held = gate.held.splice(0)
      gate.open()
      for (const release of held) {
        release()
        await turns(20)
      }
      const failures = (await Promise.all(all)).reduce((sum, one) => sum + one, 0)
      const { refreshes } = await world.counts()
      client.close?.()
      return { refreshes, failures }
    },
  },
  // The refresh token is dead: how often is it presented, by a burst of 100 and by 10 later requests.
  dead: {
    async run(create) {
      const { world, client } = await begin(create)
      world.model.kill()
      world.model.refuseAll()
      moveClock((LIFETIME_S + 60) * 1000)
      await Promise.all(Array.from({ length: 100 }, () => client.get('/burst').catch(() => {})))
      const inBurst = (await world.counts()).refreshes
      for (let index = 0; index < 10; index++) {
        await client.get('/later').catch(() => {})
        await turns(5)
      }
      const later = (await world.counts()).refreshes - inBurst
      client.close?.()
      return { inBurst, later }
    },
  },
  // Round trips until the answer is there: refused by the server, known to be expired, and refreshed ahead of time.
  recoveryRefused: { needs401: true, run: (create) => roundTrips(create, ({ world }) => world.model.refuseAll()) },
  recoveryExpired: { run: (create) => roundTrips(create, () => moveClock((LIFETIME_S + 60) * 1000)) },
  recoveryAhead: { run: (create) => roundTrips(create, () => moveClock((LIFETIME_S - 20) * 1000)) },
}

async function roundTrips(create, prepare) {
  const { world, client } = await begin(create)
  prepare({ world })
  const before = await world.counts()
  // What is refreshed in the background is not waited for: only what happens before the answer counts.
  let after
  const failed = await client.get('/orders').then(
    async () => {
      after = await world.counts()
      return false
    },
    () => true,
  )
  client.close?.()
  if (failed) return { failed: true }
  const api = after.wire - before.wire
  // A refresh that was begun but not needed for the answer is no round trip of it.
  const refreshes = Math.min(after.refreshes - before.refreshes, api > 1 ? 1 : Infinity)
  return { trips: api + refreshes }
}
