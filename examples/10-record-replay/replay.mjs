// TOKEN_PASSWORD_P1=demo node examples/10-record-replay/replay.mjs recording.har [http://localhost:3000]
// Replays a recording: against where it was recorded, against another place, or, with `mock`, against itself.
import { createReadStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

const source = fileURLToPath(new URL('../../src/testing/index.ts', import.meta.url))
const { module } = await runnerImport(source, { configFile: false, logLevel: 'error' })
const { createMockServer, fromEnv, readHar, replay } = module

const [path, where] = process.argv.slice(2)
const har = await readHar(createReadStream(path))
const mock = where === 'mock' ? await createMockServer(har) : undefined
const { ok, text } = await replay(har, {
  tokens: fromEnv(),
  ...(where === undefined ? {} : { baseUrl: mock?.origins ?? where }),
})
console.log(text)
await mock?.close()
process.exitCode = ok ? 0 : 1
