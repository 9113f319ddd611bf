import type { Har } from '../har/format.ts'
import type { ApiServer, ApiServerOptions } from './api-options.ts'
import { createApiServer } from './api-server.ts'
import type { AuthServer, AuthServerOptions } from './auth-options.ts'
import { createAuthServer } from './auth-server.ts'
import { createClock, type FakeClock } from './clock.ts'
import { createMockServer, type MockServer, type MockServerOptions } from './mock-server.ts'

/** A fixture as the `test.extend` of Vitest and of Playwright takes it. */
export type Fixture<Needs, Value> = (needs: Needs, use: (value: Value) => Promise<void>) => Promise<void>

export interface ServerFixtures {
  /** The one clock of both servers, and of the managers that are given its `ports`. */
  readonly clock: Fixture<object, FakeClock>
  readonly auth: Fixture<{ readonly clock: FakeClock }, AuthServer>
  readonly api: Fixture<{ readonly clock: FakeClock; readonly auth: AuthServer }, ApiServer>
}

export interface ServerFixtureOptions {
  readonly auth?: Omit<AuthServerOptions, 'clock'>
  readonly api?: Omit<ApiServerOptions, 'auth' | 'clock'>
}

/**
 * An authorization server, an API that trusts it and their clock, for each test that names them; closed when it ends.
 *
 * @example
 *   import { test as base } from 'vitest'
 *   import { serverFixtures } from 'tokenward/testing'
 *
 *   const test = base.extend(serverFixtures({ auth: { accessTokenMs: 60_000 } }))
 *   test('an expired token is refused', async ({ auth, api, clock }) => {
 *     console.log(auth.origin, api.origin)
 *     await clock.advance(61_000)
 *   })
 */
export function serverFixtures(options: ServerFixtureOptions = {}): ServerFixtures {
  // What a fixture needs is read from its text by those who run it: it has to be destructured there.
  return {
    clock: async ({}, use) => {
      await use(createClock())
    },
    auth: async ({ clock }, use) => {
      const auth = await createAuthServer({ ...options.auth, clock })
      await use(auth)
      await auth.close()
    },
    api: async ({ clock, auth }, use) => {
      const api = await createApiServer({ ...options.api, auth, clock })
      await use(api)
      await api.close()
    },
  }
}

export interface MockFixtures {
  readonly clock: Fixture<object, FakeClock>
  readonly mock: Fixture<{ readonly clock: FakeClock }, MockServer>
}

/** A recording that is served to each test that names `mock`, from its beginning, on a clock of the test's own. */
export function mockFixtures(har: Har, options: Omit<MockServerOptions, 'clock'> = {}): MockFixtures {
  return {
    clock: async ({}, use) => {
      await use(createClock())
    },
    mock: async ({ clock }, use) => {
      const mock = await createMockServer(har, { ...options, clock })
      await use(mock)
      await mock.close()
    },
  }
}
