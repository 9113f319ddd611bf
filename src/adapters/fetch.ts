/** The `fetch` that is in place when the request is made, so that what patches it later is heeded. */
export const platformFetch: typeof fetch = (input, init) => globalThis.fetch(input, init)
