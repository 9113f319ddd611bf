// What runs in each tab of the many-tabs measure. Bundled with one contestant.
import axios from 'axios'
import * as contestant from 'contestant'
import { installClock, measuredMs, moveClock } from './clock.mjs'

installClock()
const api = globalThis.location.origin
let client

if (globalThis.location.pathname === '/callback') contestant.takeCallback?.()

globalThis.tab = {
  async start({ issued, joined }) {
    client = await contestant.create({ axios, api, auth: api, issue: () => issued, joined })
    return served('/before', 5_000)
  },
  /** Time moves on and a request is made at an instant of the machine's clock, the same in every tab: as after a sleep. */
  async wakeAt({ at, laterMs, patienceMs }) {
    await new Promise((resolve) => setTimeout(resolve, at - realNow()))
    moveClock(laterMs)
    const from = measuredMs()
    const isServed = await served('/orders', patienceMs)
    return { isServed, ms: measuredMs() - from }
  },
  /** Some need a moment to find what another tab has written: whose session lives is served by one of three tries. */
  async isAlive() {
    for (let tries = 1; ; tries++) {
      if (await served('/after', 10_000)) return true
      if (tries === 3) return false
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  },
}

const realNow = () => performance.timeOrigin + measuredMs()

async function served(path, patienceMs) {
  const late = new Promise((resolve) => setTimeout(resolve, patienceMs, false))
  return Promise.race([
    client.get(path).then(
      () => true,
      () => false,
    ),
    late,
  ])
}
