// The model in a process of its own, behind HTTP on the loopback: its work is not measured as the contestants'.
import axios from 'axios'
import { fork } from 'node:child_process'
import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { join } from 'node:path'
import { movedMs } from './clock.mjs'

/** For each contestant: a socket for each of 10 000 requests would measure the operating system, and run into its limits. */
export const MAX_SOCKETS = 64

/** @param options.https for a contestant that takes nothing else */
export async function createLoopback(options = {}) {
  // Its certificate is nobody's. The platform's `fetch` asks this whenever it connects; only the loopback is talked to.
  if (options.https) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  // It begins at the time that it is in the page.
  const model = { ...options, shiftMs: movedMs() }
  const server = fork(join(import.meta.dirname, 'loopback-server.mjs'), [JSON.stringify(model)])
  const { port } = await new Promise((resolve) => server.once('message', resolve))
  const origin = `${options.https ? 'https' : 'http'}://127.0.0.1:${port}`
  const agent = new (options.https ? SecureAgent : Agent)({ keepAlive: true, maxSockets: MAX_SOCKETS })
  const dispatcher = createDispatcher()
  const agents = { httpAgent: agent, httpsAgent: agent }
  const tell = (command) =>
    new Promise((resolve) => {
      server.once('message', resolve)
      server.send(command)
    })
  const issued = await tell('issue')
  const create = axios.create.bind(axios)
  return {
    api: origin,
    auth: origin,
    axios: Object.assign(create(agents), {
      create: (config) => create({ ...agents, ...config }),
      AxiosError: axios.AxiosError,
    }),
    fetch: fetchOver(dispatcher),
    issue: () => issued,
    model: { refuseAll: () => tell('refuseAll'), moveClock: (ms) => tell(ms) },
    counts: () => tell('counts'),
    close() {
      agent.destroy()
      void dispatcher.destroy()
      server.kill()
    },
  }
}

const platformFetch = globalThis.fetch

const fetchOver = (dispatcher) => (input, init) => platformFetch(input, { ...init, dispatcher })

/** What the platform's `fetch` sends by, with no more sockets than the agent of axios. It is known by this symbol alone. */
function createDispatcher() {
  // It is made when something of `fetch` is first used.
  new Request('http://127.0.0.1/')
  const { constructor: Dispatcher } = globalThis[Symbol.for('undici.globalDispatcher.1')]
  return new Dispatcher({ connections: MAX_SOCKETS })
}
