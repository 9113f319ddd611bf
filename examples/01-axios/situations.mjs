// What can go wrong behind the page: one situation at a time, for all its tabs.

/** @returns What handles `/demo/*`, and knows which situation it is. */
export function createSituations({ auth, api, elsewhere, fault }) {
  const situations = {
    none: () => {},
    'refresh-503': () => auth.faults.always('refresh', fault.unavailable()),
    'refresh-429': () => auth.faults.always('refresh', fault.tooManyRequests('5')),
    'refresh-html': () => auth.faults.always('refresh', fault.captivePortal()),
    'refresh-silent': () => auth.faults.always('refresh', fault.silence()),
    // Once: what the session does about it is what there is to see. No reset: browsers answer one by sending again.
    'refresh-lost': () => auth.faults.next('refresh', { answer: 'silence', committed: true }),
    offline() {
      auth.faults.always('*', fault.dropped())
      api.faults.always('*', fault.dropped())
    },
    'api-401': () => api.faults.always('*', fault.error('invalid_token', 401)),
    'api-redirect': () => api.faults.always('*', fault.redirect(`${elsewhere.origin}/landed`)),
  }
  let current = 'none'

  const acts = {
    situation({ name }) {
      if (!Object.hasOwn(situations, name)) return 400
      auth.faults.clear()
      api.faults.clear()
      situations[name]()
      current = name
      return 204
    },
    'take-back': () => (auth.revokeAccessTokens(), 204),
    'end-sessions': () => (auth.revokeSessions(), 204),
  }

  return async function handle(request, response) {
    const name = request.url.replace('/demo/', '')
    if (request.method === 'GET' && name === 'state') {
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify({ situation: current, elsewhere: elsewhere.origin }))
      return
    }
    // A page of another site cannot send this header.
    const mayAct = request.method === 'POST' && request.headers['x-requested-with'] !== undefined
    const body = await textOf(request)
    response.statusCode = mayAct && Object.hasOwn(acts, name) ? acts[name](JSON.parse(body || '{}')) : 404
    response.end()
  }
}

async function textOf(request) {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
