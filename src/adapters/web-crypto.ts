/** The platform's cryptography, read when it is used. */
export const webCrypto = (): Crypto => globalThis.crypto
