// What is measured, in Node and in a browser: the requests of one manager, in process, with tokens of one kind.
import { createTokenManager } from '../../src/index.ts'
import { dpop } from '../../src/dpop/index.ts'
import { median } from '../lib/stats.mjs'

const API = 'https://api.example.com'

async function open(alg) {
  const binding = alg && dpop({ alg })
  const key = await binding?.create()
  const tokens = createTokenManager({
    source: {
      id: `bench ${alg}`,
      credential: 'token',
      ...(binding && { binding }),
      refresh: () => new Promise(() => {}),
    },
    resources: [API],
    ports: { openChannel: () => ({ post() {}, close() {} }) },
  })
  const bound = alg ? { token_type: 'DPoP', cnf: { jkt: key } } : { token_type: 'Bearer' }
  await tokens.startSession({ access_token: 'a-token-of-some-length-'.repeat(8), ...bound })
  let seen = () => {}
  const send = (at) => {
    const exchange = {
      repeatable: true,
      send: async (headers) => seen(headers),
      answer: () => ({ status: 200, header: () => null }),
    }
    return tokens.send({ url: `${API}/orders/${at}` }, exchange)
  }
  return { alg, send, watch: (listener) => (seen = listener), close: () => tokens.dispose() }
}

/** Microseconds for each of `count` requests, one after another. */
async function time({ send }, count) {
  const before = performance.now()
  for (let at = 0; at < count; at++) await send(at)
  return ((performance.now() - before) * 1_000) / count
}

/** Turns of the microtask queue until the transport is called, where WebCrypto answers at once: our own part of the wait. */
async function ticksOf({ send, watch }) {
  const { subtle } = crypto
  const sign = subtle.sign
  subtle.sign = async () => new ArrayBuffer(64)
  let called = false
  watch(() => (called = true))
  let ticks = 0
  const done = send('ticks')
  for (; !called && ticks < 1_000; ticks++) await null
  await done
  subtle.sign = sign
  return ticks
}

export async function measure({ rounds, count }) {
  const runners = []
  for (const alg of [undefined, 'ES256', 'Ed25519']) runners.push(await open(alg))
  for (const runner of runners) await time(runner, count)
  const times = new Map(runners.map((runner) => [runner, []]))
  // In turns, so that what else the machine does falls on all.
  for (let round = 0; round < rounds; round++)
    for (const runner of runners) times.get(runner).push(await time(runner, count))
  const found = []
  for (const runner of runners) {
    found.push({ alg: runner.alg ?? 'Bearer', us: median(times.get(runner)), ticks: await ticksOf(runner) })
    runner.close()
  }
  return found
}
