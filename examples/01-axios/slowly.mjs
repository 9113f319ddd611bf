import { request as forward } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

const PART_BYTES = 64 * 1_024
const PART_MS = 5

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
  try {
    for await (const chunk of request) {
      onward.write(chunk)
      await pause((chunk.length / PART_BYTES) * PART_MS)
    }
    onward.end()
  } catch {
    onward.destroy()
  }
}
