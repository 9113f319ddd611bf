// The model in a process of its own, behind HTTP on the loopback: its work is not measured as the contestants'.
import axios from 'axios'
import { fork } from 'node:child_process'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { movedMs } from './clock.mjs'

export async function createLoopback(options = {}) {
  // It begins at the time that it is in the page.
  const model = { ...options, shiftMs: movedMs() }
  const server = fork(join(import.meta.dirname, 'loopback-server.mjs'), [JSON.stringify(model)])
  const { port } = await new Promise((resolve) => server.once('message', resolve))
  const origin = `http://127.0.0.1:${port}`
  const httpAgent = new Agent({ keepAlive: true, maxSockets: 64 })
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
    axios: Object.assign(create({ httpAgent }), {
      create: (config) => create({ httpAgent, ...config }),
      AxiosError: axios.AxiosError,
    }),
    fetch: platformFetch,
    issue: () => issued,
    model: { refuseAll: () => tell('refuseAll'), moveClock: (ms) => tell(ms) },
    counts: () => tell('counts'),
    close() {
      httpAgent.destroy()
      server.kill()
    },
  }
}

const platformFetch = globalThis.fetch
