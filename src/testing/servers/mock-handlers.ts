import type { Har } from '../har/format.ts'
import type { Call, Reply } from './http.ts'
import { createMockEngine, type MockControl, type MockOptions } from './mock-engine.ts'

/** What is taken of msw 2. */
export interface Msw<Handler> {
  readonly http: {
    all(path: string, resolver: (info: HandlerInfo) => Promise<Response | undefined>): Handler
  }
  readonly HttpResponse: {
    new (body: BodyInit | null, init: ResponseInit): Response
    error(): Response
  }
}

export interface HandlerInfo {
  readonly request: Request
  /** Those that msw has kept of earlier answers, too. */
  readonly cookies?: Readonly<Record<string, string>>
}

export interface HandlersOptions extends MockOptions {
  /** Where the application looks for a recorded origin: `{ 'https://api.example.com': 'http://localhost:3000' }`. */
  readonly origins?: Readonly<Record<string, string>>
}

/** One handler for each recorded origin, and what a test may ask of them. */
export interface Handlers<Handler> extends MockControl {
  readonly handlers: readonly Handler[]
}

/**
 * The same as `createMockServer`, as handlers of Mock Service Worker: in Node, in jsdom, in a browser. msw is passed in.
 * What is not in the recording is left to the next handler.
 *
 * @throws {@link RecordingError} `invalid_har`, `unsupported_version`, `missing_token`.
 * @example
 *   import { http, HttpResponse } from 'msw'
 *   import { setupServer } from 'msw/node'
 *
 *   const mock = toHandlers(har, { http, HttpResponse })
 *   const server = setupServer(...mock.handlers)
 *   server.listen()
 */
export function toHandlers<Handler>(
  har: Har,
  { http, HttpResponse }: Msw<Handler>,
  options: HandlersOptions = {},
): Handlers<Handler> {
  const { plan, control, answer } = createMockEngine(har, options)
  const { origins = {} } = options

  const handlerFor = (origin: string): Handler =>
    http.all(`${origins[origin] ?? origin}/*`, async ({ request, cookies }) => {
      const reply = await answer(await callOf(request, cookies), origin)
      if (reply === 'none') return HttpResponse.error()
      return (
        reply &&
        new HttpResponse(request.method === 'HEAD' ? null : bodyOf(reply), {
          status: reply.status,
          headers: headersOf(reply),
        })
      )
    })

  return { ...control, handlers: plan.origins.map(handlerFor) }
}

async function callOf(request: Request, cookies: HandlerInfo['cookies'] = {}): Promise<Call> {
  const headers: Record<string, string> = Object.fromEntries(request.headers)
  const jar = Object.entries(cookies).map(([name, value]) => `${name}=${value}`)
  if (jar.length > 0) headers['cookie'] = jar.join('; ')
  return {
    method: request.method,
    url: new URL(request.url),
    headers,
    body: new Uint8Array(await request.clone().arrayBuffer()),
  }
}

function bodyOf({ status, body }: Reply): BodyInit | null {
  // The Fetch standard allows these no body.
  if (body === undefined || [101, 204, 205, 304].includes(status)) return null
  return typeof body === 'string' ? body : new Uint8Array(body)
}

function headersOf({ headers = {} }: Reply): Headers {
  const list = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    for (const one of typeof value === 'string' ? [value] : value) list.append(name, one)
  }
  return list
}
