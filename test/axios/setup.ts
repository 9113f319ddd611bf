import type { AxiosInstance, AxiosStatic, CreateAxiosDefaults } from 'axios'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { BindAxiosOptions } from '../../src/axios/index.ts'
import { startEchoServer, type EchoServer } from '../support/echo-server.ts'
import { createSender, type StandIn, type StandInOptions } from '../support/sender.ts'
import { load } from './versions.ts'

interface BoundOptions extends BindAxiosOptions {
  readonly config?: CreateAxiosDefaults
  readonly sender?: Partial<StandInOptions>
}

export interface Setup {
  axios: AxiosStatic
  bindAxios: Awaited<ReturnType<typeof load>>['bindAxios']
  /** The resource server. */
  server: EchoServer
  /** Another origin, where no token belongs. */
  other: EchoServer
  bound(options?: BoundOptions): { api: AxiosInstance; tokens: StandIn; unbind: () => void }
}

/** Two servers and one version of axios for the tests of a `describe`. */
export function setUp(version: string): Setup {
  const setup: Setup = { bound } as Setup
  beforeAll(async () => {
    Object.assign(setup, await load(version))
    setup.server = await startEchoServer()
    setup.other = await startEchoServer()
  })
  afterAll(() => Promise.all([setup.server.close(), setup.other.close()]))
  beforeEach(() => {
    for (const server of [setup.server, setup.other]) {
      Object.assign(server, { accepts: 'first', answer: undefined })
      server.received.length = 0
    }
  })
  return setup

  function bound({ config, sender, ...options }: BoundOptions = {}) {
    const api = setup.axios.create({ baseURL: setup.server.origin, ...config })
    const tokens = createSender({ resources: [setup.server.origin], ...sender })
    return { api, tokens, unbind: setup.bindAxios(api, tokens, options) }
  }
}

/** What a promise rejects with. */
export function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it did not reject')
    },
    (reason: unknown) => reason,
  )
}
