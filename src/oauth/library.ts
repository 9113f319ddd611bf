export {
  calculatePKCECodeChallenge,
  clockSkew,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
  getValidatedIdTokenClaims,
  JWT_CLAIM_COMPARISON,
  processAuthorizationCodeResponse,
  processRefreshTokenResponse,
  validateAuthResponse,
} from 'oauth4webapi'
