// The model in a process of its own, behind HTTP on the loopback: its work is not measured as the contestants'.
import axios from 'axios'
import { fork } from 'node:child_process'
import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { join } from 'node:path'
import { movedMs } from './clock.mjs'

/** @param options.https for a contestant that takes nothing else */
export async function createLoopback(options = {}) {
  // Its certificate is nobody's. The platform's `fetch` asks this whenever it connects; only the loopback is talked to.
  if (options.https) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  // It begins at the time that it is in the page.
  const model = { ...options, shiftMs: movedMs() }
  const server = fork(join(import.meta.dirname, 'loopback-server.mjs'), [JSON.stringify(model)])
  const { port } = await new Promise((resolve) => server.once('message', resolve))
  const origin = `${options.https ? 'https' : 'http'}://127.0.0.1:${port}`
  const agent = new (options.https ? SecureAgent : Agent)({ keepAlive: true, maxSockets: 64 })
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
    // One agent for all: a socket for each of 10 000 requests would measure the operating system.
    axios: Object.assign(create(agents), {
      create: (config) => create({ ...agents, ...config }),
      AxiosError: axios.AxiosError,
    }),
    fetch: platformFetch,
    issue: () => issued,
    model: { refuseAll: () => tell('refuseAll'), moveClock: (ms) => tell(ms) },
    counts: () => tell('counts'),
    close() {
      agent.destroy()
      server.kill()
    },
  }
}

const platformFetch = globalThis.fetch
