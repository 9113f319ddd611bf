// One origin with everything: the page of each contestant, its API and its authorization server.
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createCertificate } from './certificate.mjs'
import { metadata } from './metadata.mjs'
import { createModel, refreshTokenOf } from './model.mjs'

/** @param options.refreshMs how long the authorization server takes; @param options.https for who takes nothing else */
export async function createTabsSite({ script, refreshMs, reuse, https }) {
  const model = createModel({ rotation: true, reuse })
  const scheme = https ? 'https' : 'http'
  const server = https ? createSecureServer(createCertificate(), listen) : createServer(listen)

  function listen(request, response) {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => void answer(request, text, response))
  }

  async function answer({ url, method, headers }, text, response) {
    const send = (status, type, body) => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
      response.end(body)
    }
    if (url === '/') return send(200, 'text/html', '<!doctype html><title>tab</title><script src="/tab.js"></script>')
    if (url === '/tab.js') return send(200, 'text/javascript', script)
    if (url.includes('openid-configuration'))
      return send(200, 'application/json', JSON.stringify(metadata(`${scheme}://${headers.host}`)))
    if (url.includes('favicon') || method === 'OPTIONS') return send(204, 'text/plain', '')
    let result
    if (url.includes('/token')) {
      // Decided when it arrives, told after a while: as a server does whose answer takes time.
      result = model.refresh(refreshTokenOf(text), url)
      await new Promise((resolve) => setTimeout(resolve, refreshMs))
    } else result = model.call(headers.authorization)
    send(result.status, 'application/json', JSON.stringify(result.body))
  }

  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `${scheme}://127.0.0.1:${server.address().port}/`,
    model,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
