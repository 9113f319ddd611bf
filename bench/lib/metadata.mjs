/** What a client would discover of the authorization server. */
export const metadata = (auth) => ({
  issuer: `${auth}/`,
  authorization_endpoint: `${auth}/authorize`,
  token_endpoint: `${auth}/token`,
  end_session_endpoint: `${auth}/logout`,
  revocation_endpoint: `${auth}/revoke`,
  jwks_uri: `${auth}/jwks`,
  code_challenge_methods_supported: ['S256'],
})
