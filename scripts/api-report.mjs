// Writes the public API of every entry to etc/<entry>.api.md; with --check, fails where the report differs.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'

const root = join(import.meta.dirname, '..')
const check = process.argv.includes('--check')
const packageJsonFullPath = join(root, 'package.json')
const { exports } = JSON.parse(readFileSync(packageJsonFullPath, 'utf8'))
mkdirSync(join(root, 'etc'), { recursive: true })

for (const [subpath, { types }] of Object.entries(exports)) {
  if (types === undefined) continue
  const name = subpath === '.' ? 'index' : subpath.slice('./'.length)
  const compilerOptions = {
    target: 'es2022',
    module: 'esnext',
    moduleResolution: 'bundler',
    types: [],
    skipLibCheck: true,
  }
  const extractorConfig = ExtractorConfig.prepare({
    packageJsonFullPath,
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(root, types),
      newlineKind: 'lf',
      compiler: { overrideTsconfig: { compilerOptions, files: [types] } },
      apiReport: {
        enabled: true,
        reportFileName: name,
        reportFolder: 'etc',
        reportTempFolder: 'node_modules/.cache/api',
      },
      messages: {
        extractorMessageReporting: {
          default: { logLevel: 'error' },
          'ae-missing-release-tag': { logLevel: 'none' },
          'ae-undocumented': { logLevel: 'none' },
          'ae-forgotten-export': { logLevel: 'error', addToApiReportFile: true },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  })
  const showVerboseMessages = false
  const { succeeded, apiReportChanged } = Extractor.invoke(extractorConfig, { localBuild: !check, showVerboseMessages })
  console.log(`${name}: ${apiReportChanged ? (check ? 'differs, run npm run api' : 'updated') : 'unchanged'}`)
  if (!succeeded) process.exitCode = 1
}
