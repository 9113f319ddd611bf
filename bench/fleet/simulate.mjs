// A token endpoint and very many clients, second by second. Who is refused, or finds it down, comes again when its
// policy says.

/** Small, seeded, good enough for a histogram. */
export function createRandom(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * @param {{ clients: number, seconds: number, capacity: number, isDown?: (second: number) => boolean, firstAt: (client: number, random: () => number) => number, againInS: (attempts: number, random: number) => number, random: () => number }} options
 * @param options.clients how many
 * @param options.seconds how long to look
 * @param options.capacity answers a second; whoever comes beyond gets a 503
 * @param options.isDown whether the endpoint is down in this second
 * @param options.firstAt when client `index` first needs a token, in seconds; beyond `seconds`: never
 * @param options.againInS how long it waits after its `attempts`-th failure
 * @returns requests and failures in each second, and how long each client waited
 */
export function simulate({ clients, seconds, capacity, isDown = () => false, firstAt, againInS, random }) {
  const requests = new Uint32Array(seconds)
  const served = new Uint32Array(seconds)
  const waited = new Float32Array(clients).fill(-1)
  const begun = new Float32Array(clients)
  const attempts = new Uint16Array(clients)
  // Of each second, who comes in it, as a linked list.
  const first = new Int32Array(seconds).fill(-1)
  const next = new Int32Array(clients).fill(-1)
  const at = new Float32Array(clients)

  function come(client, second) {
    at[client] = second
    const slot = Math.floor(second)
    if (slot >= seconds) return
    next[client] = first[slot]
    first[slot] = client
  }

  for (let client = 0; client < clients; client++) {
    begun[client] = firstAt(client, random)
    come(client, begun[client])
  }
  for (let second = 0; second < seconds; second++) {
    const down = isDown(second)
    // The list grows while it is walked if somebody comes again within the second.
    while (first[second] !== -1) {
      const client = first[second]
      first[second] = next[client]
      requests[second] += 1
      if (!down && served[second] < capacity) {
        served[second] += 1
        waited[client] = at[client] - begun[client]
        continue
      }
      attempts[client] += 1
      come(client, at[client] + Math.max(0.05, againInS(attempts[client], random())))
    }
  }
  return { requests, served, waited, begun }
}

/**
 * The lowest possible busiest second if each of those who come, so many in each second, is answered within `delayS`: no
 * policy, even one that knows all of them, does better. Who comes from second `i` to second `j` has until `j + delayS`.
 */
export function leastPeak(arrivals, delayS) {
  let least = 0
  for (let first = 0; first < arrivals.length; first++) {
    let sum = 0
    for (let last = first; last < arrivals.length; last++) {
      sum += arrivals[last]
      least = Math.max(least, sum / (last - first + 1 + delayS))
    }
  }
  return Math.ceil(least)
}

/** How the requests of the seconds `from` to `to` lie: the highest against the mean. */
export function describe({ requests }, { from, to }) {
  const within = requests.slice(from, to)
  const mean = within.reduce((sum, one) => sum + one, 0) / within.length
  const peak = Math.max(...within)
  return { peak, mean: Math.round(mean), ratio: peak / mean, total: requests.reduce((sum, one) => sum + one, 0) }
}
