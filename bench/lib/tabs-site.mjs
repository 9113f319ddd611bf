// One origin with everything: the page of each contestant, its API and its authorization server.
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createCertificate } from './certificate.mjs'
import { metadata } from './metadata.mjs'
import { createModel, tokenRequestOf } from './model.mjs'

const PAGE = '<!doctype html><title>tab</title><script src="/tab.js"></script>'

/**
 * What a hidden frame is told that asks for tokens without the user, as some contestants do once a refresh has failed: no
 * cookie of the session came with it. Browsers that block the cookies of third parties send none.
 */
function loginRequired(asked) {
  const state = asked.get('state')
  const answer = { error: 'login_required', error_description: 'The client specified not to prompt', state }
  if (asked.get('response_mode') === 'okta_post_message') {
    const message = JSON.stringify(answer).replaceAll('<', '\\u003c')
    return [200, 'text/html', `<!doctype html><title>no</title><script>parent.postMessage(${message}, '*')</script>`]
  }
  const back = JSON.stringify(`${asked.get('redirect_uri')}#${new URLSearchParams(answer)}`).replaceAll('<', '\\u003c')
  return [200, 'text/html', `<!doctype html><title>no</title><script>location.replace(${back})</script>`]
}

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
    const { pathname, searchParams } = new URL(url, 'http://any')
    if (['/', '/callback'].includes(pathname)) return send(200, 'text/html', PAGE)
    if (pathname === '/authorize') return send(...loginRequired(searchParams))
    if (url === '/tab.js') return send(200, 'text/javascript', script)
    if (url.includes('openid-configuration'))
      return send(200, 'application/json', JSON.stringify(metadata(`${scheme}://${headers.host}`)))
    if (url.includes('favicon') || method === 'OPTIONS') return send(204, 'text/plain', '')
    let result
    if (url.includes('/token')) {
      // Decided when it arrives, told after a while: as a server does whose answer takes time.
      result = model.refresh(tokenRequestOf(text), url)
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
