import type * as oauth4webapi from 'oauth4webapi'
import type * as library from './library.ts'

/** What judges the words of an authorization server. */
export type Protocol = typeof library

/** The same document as ours, in the words of the library. */
export type ServerMetadata = oauth4webapi.AuthorizationServer

/** Loaded when it is first needed: it reads globals at its import. */
export const loadProtocol = (): Promise<Protocol> => import('./library.ts')
