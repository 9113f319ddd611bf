// Finds a Chromium for the browser tests: $CHROMIUM_PATH, else the binary shipped inside
// the npm package @sparticuz/chromium, unpacked once into node_modules/.cache.
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress } from 'node:zlib'

const require = createRequire(import.meta.url)

/** Flags for a closed network and for root (no user namespace sandbox). */
export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** @returns {Promise<{ executablePath: string, env: Record<string, string> }>} */
export async function resolveChromium() {
  const fromEnv = process.env.CHROMIUM_PATH
  if (fromEnv) return { executablePath: fromEnv, env: {} }
  // package.json is not in the exports map: resolve the entry and walk up.
  let root = dirname(require.resolve('@sparticuz/chromium'))
  while (!existsSync(join(root, 'bin', 'chromium.br'))) root = dirname(root)
  const { version } = require(join(root, 'package.json'))
  const dir = join(root, '..', '..', '.cache', `sparticuz-chromium-${version}`)
  const exe = join(dir, 'chromium')
  if (!existsSync(exe)) {
    await mkdir(dir, { recursive: true })
    const part = `${exe}.${process.pid}.part` // atomic: parallel runners never see half a file
    await pipeline(
      createReadStream(join(root, 'bin', 'chromium.br')),
      createBrotliDecompress(),
      createWriteStream(part),
    )
    await chmod(part, 0o755)
    await rename(part, exe)
  }
  const lib = join(dir, 'lib')
  let missing
  try {
    missing = /not found/.test(execFileSync('ldd', [exe], { encoding: 'utf8' }))
  } catch {
    missing = true
  }
  if (missing && !existsSync(lib)) {
    const { default: tar } = await import('tar-fs')
    const part = `${dir}.al2023.${process.pid}`
    await pipeline(createReadStream(join(root, 'bin', 'al2023.tar.br')), createBrotliDecompress(), tar.extract(part))
    await rename(join(part, 'lib'), lib).catch(() => {})
    await rm(part, { recursive: true, force: true })
  }
  return { executablePath: exe, env: missing ? { LD_LIBRARY_PATH: lib } : {} }
}
