/** Tells whoever develops the application about a mistake in it. */
export const warn = (message: string): void => globalThis.console.warn(`tokenward: ${message}`)
