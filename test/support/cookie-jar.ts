import { setTimeout as delay } from 'node:timers/promises'

/** What a browser does around `fetch` and Node does not: it keeps cookies, and says what is still on its way. */
export interface CookieJar {
  readonly fetch: typeof fetch
  /** `undefined`: there is no such cookie. */
  value(name: string): string | undefined
  /** The calls that have not been answered, by the number that each carries in `x-test-call`. */
  readonly open: ReadonlySet<string>
  /** Resolves when all calls have been answered but those that `parked` counts, and what follows from them has happened. */
  quiet(parked?: (call: string) => boolean): Promise<void>
}

interface Cookie {
  readonly origin: string
  readonly path: string
  readonly name: string
  readonly value: string
}

/** Cookies of requests with `credentials: 'include'`; kept as soon as the headers of an answer are there. */
export function createCookieJar(): CookieJar {
  let cookies: Cookie[] = []
  let calls = 0
  const open = new Set<string>()

  function keep(url: URL, line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    const path = /; *Path=([^;]*)/i.exec(line)?.[1] ?? '/'
    cookies = cookies.filter((one) => one.origin !== url.origin || one.path !== path || one.name !== name)
    if (!/; *Max-Age=0\b/i.test(line)) cookies.push({ origin: url.origin, path, name, value })
  }

  return {
    open,
    value: (name) => cookies.find((one) => one.name === name)?.value,
    async fetch(input, init = {}) {
      const url = new URL(input instanceof Request ? input.url : String(input))
      const headers = new Headers(init.headers)
      const withCookies = init.credentials === 'include'
      const sent = cookies.filter(({ origin, path }) => origin === url.origin && url.pathname.startsWith(path))
      if (withCookies && sent.length > 0)
        headers.set('cookie', sent.map(({ name, value }) => `${name}=${value}`).join('; '))
      const call = String(++calls)
      headers.set('x-test-call', call)
      open.add(call)
      try {
        const response = await fetch(input, { ...init, headers })
        if (withCookies) for (const line of response.headers.getSetCookie()) keep(url, line)
        // The body is read here, so that a call is open until all of it has come; one that breaks off breaks when it is read.
        const body = await response.arrayBuffer().catch((error: unknown) => ({ error }))
        if ('error' in body) return brokenOff(response, body.error)
        const { status, statusText } = response
        return new Response(body.byteLength === 0 ? null : body, { status, statusText, headers: response.headers })
      } finally {
        open.delete(call)
      }
    },
    async quiet(parked = () => false) {
      for (;;) {
        for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => void setImmediate(resolve))
        if ([...open].every(parked)) return
        await delay(1)
      }
    },
  }
}

function brokenOff({ status, headers }: Response, error: unknown): Response {
  const body = new ReadableStream({ start: (controller) => controller.error(error) })
  return new Response(body, { status, headers })
}
