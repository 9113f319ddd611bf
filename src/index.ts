export { TokenError, type TokenErrorCode, type TokenErrorDetails, isTokenError, tokenErrorOf } from './errors.ts'
export { createTokenManager, type AccessToken, type TokenManager } from './manager.ts'
export type { Answer, Exchange, SendTarget, TokenRequest, TokenSender } from './flow/exchange.ts'
export type { LogoutOptions, LogoutReport, Revoked } from './flow/sign-out.ts'
export type { Resource, TimingOptions, TokenManagerOptions } from './options.ts'
export type {
  Binding,
  ChallengedResource,
  Channel,
  Clock,
  Lifecycle,
  Locks,
  Marker,
  OpenChannel,
  Ports,
  ProofRequest,
  Random,
  Records,
  RefreshInput,
  Report,
  RevokeInput,
  SourceContext,
  Timer,
  TokenSource,
  TokenStorage,
  UsersPart,
} from './ports.ts'
export type { Instant } from './lib/instant.ts'
export type { Alert, RefreshTrigger, TokenEvents, WithholdReason } from './session/events.ts'
export type { SessionState } from './session/snapshot.ts'
export type { EndReason } from './session/state.ts'
export { cookieSource, type CookieSourceOptions } from './sources/cookie.ts'
export { jsonSource, type JsonSourceOptions } from './sources/json.ts'
export type { SourceAnswer } from './sources/answer.ts'
export type { SourceOptions } from './sources/call.ts'
export type { TokenResponse } from './token.ts'
