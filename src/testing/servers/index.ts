// The servers of the test kit. Not exported: how they are served, how tokens are made, how proofs are judged.
export { createApiServer } from './api-server.ts'
export type { ApiLogEntry, ApiRequest, ApiServer, ApiServerOptions, ApiSettings, Route } from './api-options.ts'
export { createAuthServer } from './auth-server.ts'
export { demoAudience, demoUsers } from './auth-options.ts'
export type {
  AuthEndpoint,
  AuthLogEntry,
  AuthOutcome,
  AuthServer,
  AuthServerOptions,
  AuthSettings,
  User,
} from './auth-options.ts'
export { createClock } from './clock.ts'
export type { FakeClock, FakeClockOptions, ServerClock } from './clock.ts'
export { createControlServer } from './control.ts'
export type { ControlServerOptions } from './control.ts'
export { fingerprint } from './digest.ts'
export type { Family, FamilyRules } from './families.ts'
export { fault } from './faults.ts'
export type { Fault, FaultMakers, Faults, Gate } from './faults.ts'
export type { Call, Reply } from './http.ts'
export type { Claims, Jwks, PublicJwk } from './jwt.ts'
export type { ProofRules } from './proofs.ts'
export type { LoggedRequest } from './redact.ts'
export type { CallEnd, Host, Served } from './serve.ts'
export type { Spelling } from './spelling.ts'
export { createMockServer } from './mock-server.ts'
export type { MockServer, MockServerOptions } from './mock-server.ts'
export { toHandlers } from './mock-handlers.ts'
export type { HandlerInfo, Handlers, HandlersOptions, Msw } from './mock-handlers.ts'
export type { MockControl, MockLogEntry, MockOptions } from './mock-engine.ts'
export type { MockOutcome } from './mock-rules.ts'
export { mockFixtures, serverFixtures } from './fixtures.ts'
export type { Fixture, MockFixtures, ServerFixtureOptions, ServerFixtures } from './fixtures.ts'
export { withSharedSession } from './shared-session.ts'
export type { BrowserLike, ContextLike, SharedSession, SharedSessionOptions, StateLike } from './shared-session.ts'
