import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'playwright/test'
import { chromiumArgs } from '../support/chromium.mjs'

export default defineConfig({
  testDir: '.',
  outputDir: join(tmpdir(), `tokenward-playwright-${process.pid}`),
  workers: 2,
  fullyParallel: true,
  reporter: 'line',
  use: {
    launchOptions: { executablePath: process.env['CHROMIUM_PATH'] ?? '', args: chromiumArgs },
  },
})
