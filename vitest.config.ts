import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { chromiumArgs, resolveChromium } from './test/support/chromium.mjs'

const source = (path: string): string => fileURLToPath(new URL(`src/${path}`, import.meta.url))

export default defineConfig(async () => {
  const chromium = await resolveChromium()
  return {
    resolve: {
      alias: [
        { find: /^tokenward$/, replacement: source('index.ts') },
        { find: /^tokenward\/(axios|dpop|fetch|oauth|storage|testing)$/, replacement: source('$1/index.ts') },
      ],
    },
    test: {
      // Properties take seconds on a machine that is busy; whatever hangs still ends.
      testTimeout: 30_000,
      // By default one core is kept free: on two that is one worker, which often waits for a browser.
      maxWorkers: Math.max(3, availableParallelism() - 1),
      reporters: ['default', './test/support/closing-line.ts'],
      coverage: {
        provider: 'v8' as const,
        include: ['src/**'],
        reporter: ['text'],
        thresholds: { 'src/flow/**': { 100: true }, 'src/session/**': { 100: true } },
      },
      projects: [
        {
          extends: true as const,
          // One module graph for all files: loading it anew for each takes longer than most of them.
          test: {
            name: 'unit',
            isolate: false,
            environment: 'node',
            include: ['test/**/*.test.ts'],
            exclude: ['test/{axios,dom,browser,e2e}/**'],
          },
        },
        {
          extends: true as const,
          // These load two versions of axios in turn.
          test: { name: 'axios', environment: 'node', include: ['test/axios/**/*.test.ts'] },
        },
        {
          extends: true as const,
          test: { name: 'dom', environment: 'jsdom', include: ['test/dom/**/*.test.{ts,tsx}'] },
        },
        {
          extends: true as const,
          test: {
            name: 'e2e',
            environment: 'node',
            include: ['test/e2e/**/*.test.ts'],
            testTimeout: 60_000,
            provide: { chromium },
          },
        },
        {
          extends: true as const,
          optimizeDeps: { include: ['axios', 'idb-keyval', 'oauth4webapi'] },
          test: {
            name: 'browser',
            include: ['test/browser/**/*.test.ts'],
            globalSetup: ['./test/support/global-setup.ts'],
            browser: {
              enabled: true,
              headless: true,
              screenshotFailures: false,
              provider: playwright({
                launchOptions: {
                  executablePath: chromium.executablePath,
                  args: chromiumArgs,
                  env: { ...process.env, ...chromium.env },
                },
              }),
              instances: [{ browser: 'chromium' as const }],
            },
          },
        },
      ],
    },
  }
})
