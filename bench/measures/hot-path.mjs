// What a request costs that finds a fresh token: in process, so that nothing else is measured. Contestants take turns
// in rounds; each round is compared with bare axios in the same round; bare axios runs twice, to show the noise.
import '../lib/page.mjs'
import { measure, progress } from '../lib/child.mjs'
import { loadContestants } from '../lib/contestants.mjs'
import { createInProcess } from '../lib/in-process.mjs'
import { cpuUs, median, quartiles, rotated } from '../lib/stats.mjs'

measure(async ({ quick, only }) => {
  const [rounds, requests, warmUp] = quick ? [3, 20, 1] : [200, 100, 40]
  const runners = []
  const results = {}
  for (const { file, create, broken, notHere, transport, baseline } of await loadContestants(only)) {
    if (broken ?? notHere) {
      results[file] = { doesNotApply: broken ?? notHere }
      continue
    }
    try {
      const start = async (as) => {
        const world = createInProcess()
        globalThis.fetch = world.fetch
        const client = await create(world)
        await client.get('/warm')
        runners.push({ file: as, world, client, transport })
      }
      await start(file)
      if (baseline) await start('same-again')
    } catch (error) {
      results[file] = { doesNotApply: `could not be set up here: ${String(error?.message ?? error).slice(0, 200)}` }
    }
  }

  async function time({ world, client }) {
    globalThis.fetch = world.fetch
    const before = cpuUs()
    for (let index = 0; index < requests; index++) await client.get(`/orders/${index}`)
    return (cpuUs() - before) / requests
  }

  const times = new Map(runners.map((runner) => [runner, []]))
  for (let round = -warmUp; round < rounds; round++) {
    if (round % 50 === 0) progress(`round ${round} of ${rounds}`)
    for (const runner of rotated(runners, round + warmUp)) {
      try {
        const us = await time(runner)
        if (round >= 0) times.get(runner).push(us)
      } catch (error) {
        results[runner.file] = { doesNotApply: `failed: ${String(error?.message ?? error).slice(0, 200)}` }
        runners.splice(runners.indexOf(runner), 1)
      }
    }
  }

  const bare = times.get(runners.find(({ file }) => file === 'bare'))
  for (const runner of runners) {
    const mine = times.get(runner)
    const ratios = mine.map((value, round) => value / bare[round])
    results[runner.file] = {
      us: median(mine),
      extraUs: median(mine.map((value, round) => value - bare[round])),
      ratio: median(ratios),
      ratioQuartiles: quartiles(ratios),
      ticks: await ticksOf(runner),
      bytes: await bytesOf(runner, quick ? 1 : 9),
    }
  }
  return { rounds, requests, results }
})

/** Turns of the microtask queue between the call and the transport; `task`: it needed more than that. */
async function ticksOf({ world, client, transport }) {
  let called = false
  const seen = () => {
    called = true
  }
  const hooked = transport === 'fetch' ? hookFetch(world, seen) : hookCall(world, seen)
  let ticks = 0
  const done = client.get('/ticks')
  for (; !called && ticks < 1_000; ticks++) await null
  hooked()
  await done
  return called ? ticks : 'task'
}

function hookCall({ model }, seen) {
  const { call } = model
  model.call = (authorization) => {
    seen()
    return call(authorization)
  }
  return () => {
    model.call = call
  }
}

function hookFetch(world, seen) {
  globalThis.fetch = (...parameters) => {
    if (String(parameters[0].url ?? parameters[0]).startsWith(world.api)) seen()
    return world.fetch(...parameters)
  }
  return () => {
    globalThis.fetch = world.fetch
  }
}

/** Bytes that one request allocates. A collection in between spoils a round, so the largest of the middle is not taken. */
async function bytesOf({ world, client }, rounds) {
  if (!globalThis.gc) return undefined
  globalThis.fetch = world.fetch
  const found = []
  for (let round = 0; round < rounds; round++) {
    globalThis.gc()
    const before = process.memoryUsage().heapUsed
    for (let index = 0; index < 100; index++) await client.get('/bytes')
    found.push((process.memoryUsage().heapUsed - before) / 100)
  }
  return Math.round(median(found.filter((value) => value > 0)))
}
