import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The command line, from the folder that {@link installPackage} was given. */
export const installedCli = join('node_modules', 'tokenward', 'dist', 'cli.js')

/** Puts the test kit and the command line into `folder`, as `npm install` would, made of `src` as it is now. */
export async function installPackage(folder: string): Promise<void> {
  const target = join(folder, 'node_modules', 'tokenward')
  await mkdir(target, { recursive: true })
  await build({
    entryPoints: { testing: join(root, 'src/testing/index.ts'), cli: join(root, 'src/testing/cli/main.ts') },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    outdir: join(target, 'dist'),
    logLevel: 'silent',
  })
  const manifest = {
    name: 'tokenward',
    version: '0.0.0',
    type: 'module',
    exports: { './testing': './dist/testing.js' },
  }
  await writeFile(join(target, 'package.json'), JSON.stringify(manifest))
}
