import type * as oauth4webapi from 'oauth4webapi'

/** The library that judges what an authorization server says. Loaded when it is first needed: it reads globals at import. */
export type Protocol = typeof oauth4webapi

/** The same document as ours, in the words of the library. */
export type ServerMetadata = oauth4webapi.AuthorizationServer

export const loadProtocol = (): Promise<Protocol> => import('oauth4webapi')
