// Plays the seeds that it is given, and posts what came of them.
import { parentPort, workerData } from 'node:worker_threads'

const { bundle, first, count, step, stopAtBreach, longestMs, corpus } = workerData
Error.stackTraceLimit = 0
const { playCorpus, playSeed } = await import(bundle)
const began = performance.now()
const total = { seeds: 0, steps: 0, entries: 0, counts: {}, edges: {}, broken: [] }
for (let seed = first; seed < first + count; seed += step) {
  let played
  try {
    played = await playSeed(seed)
  } catch (error) {
    broken({ seed, invariant: 21, text: String(error) })
  }
  total.seeds++
  if (played) {
    total.steps += played.steps
    total.entries += played.history.entries.length
    for (const [what, times] of Object.entries(played.counts)) total.counts[what] = (total.counts[what] ?? 0) + times
    countEdges(played.history.entries)
    const [breach] = played.breaches
    if (breach) broken({ seed, invariant: breach.invariant, text: breach.text })
  }
  if (stopAtBreach && total.broken.length > 0) break
  if (longestMs && performance.now() - began > longestMs) break
  if (total.seeds % 500 === 0) parentPort.postMessage({ progress: total.seeds })
}
if (corpus && total.broken.length === 0) total.story = await playCorpus(corpus)
parentPort.postMessage({ total })

/** A long run tells at once. */
function broken(breach) {
  total.broken.push(breach)
  parentPort.postMessage({ breach })
}

function countEdges(entries) {
  const last = new Map()
  for (const { tab, what, state } of entries) {
    if (what !== 'state') continue
    const edge = `${last.get(tab) ?? 'signed-out'} → ${state.status}`
    total.edges[edge] = (total.edges[edge] ?? 0) + 1
    last.set(tab, state.status)
  }
}
