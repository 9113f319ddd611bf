import 'vitest'

/** What `vitest.config.ts` hands to tests: `inject('chromium')`. */
declare module 'vitest' {
  interface ProvidedContext {
    chromium: { executablePath: string; env: Record<string, string> }
    /** Where the browser tests open the servers they talk to: see `global-setup.ts`. */
    control: string
  }
}
