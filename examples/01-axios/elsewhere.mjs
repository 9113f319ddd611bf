// Another origin, which has no business with the token. It tells what it was given.
import { createServer } from 'node:http'

export async function startElsewhere() {
  const server = createServer((request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('Access-Control-Allow-Headers', 'Authorization')
    response.setHeader('Content-Type', 'application/json')
    const gotToken = request.headers.authorization !== undefined
    response.end(JSON.stringify({ elsewhere: true, gotToken }))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}
