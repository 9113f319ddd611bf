import { request as forward } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

const PART_BYTES = 512 * 1_024
const PART_MS = 30

/** Passes a request on as over a slow line: on loopback an upload would be over before anybody sees its progress. */
export async function passSlowly(request, response, origin) {
  const { method, headers, url } = request
  const onward = forward(new URL(url, origin), { method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers)
    answer.pipe(response)
    answer.once('error', () => response.destroy())
  })
  onward.once('error', () => response.destroy())
  response.once('close', () => onward.destroy())
  let passed = 0
  try {
    for await (const chunk of request) {
      onward.write(chunk)
      passed += chunk.length
      if (passed < PART_BYTES) continue
      passed = 0
      await pause(PART_MS)
    }
    onward.end()
  } catch {
    onward.destroy()
  }
}
