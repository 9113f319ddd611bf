import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createAuthServer } from 'tokenward/testing'
import { expect, inject, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

test('tests of Playwright share one sign-in for each worker, and no refresh token is ever used twice', async () => {
  const auth = await createAuthServer({ host: 'localhost' })
  const { executablePath, env } = inject('chromium')
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['node_modules/playwright/cli.js', 'test', '-c', 'test/playwright/playwright.config.ts'],
      {
        cwd: root,
        env: { ...process.env, ...env, CHROMIUM_PATH: executablePath, AUTH_ORIGIN: auth.origin, NODE_OPTIONS: '' },
      },
    ).catch((error: unknown) => error as { stdout: string; stderr: string })
    expect(stdout).toContain('10 passed')
    expect(auth.count('refresh', 'reused')).toBe(0)
    expect(auth.count('refresh', 'rotated')).toBeGreaterThanOrEqual(15)
    // Two workers, and one sign-in more for the test after the one that signed out.
    expect(auth.count('login')).toBeGreaterThanOrEqual(2)
    expect(auth.count('login')).toBeLessThanOrEqual(3)
  } finally {
    await auth.close()
  }
})
