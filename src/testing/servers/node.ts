/** The part of `node:http` that the servers use; said here, so that the types of this entry need no others. */
export interface NodeHttp {
  createServer(listener: (request: Incoming, response: Outgoing) => void): HttpServer
}

export interface Incoming extends AsyncIterable<Uint8Array> {
  readonly method?: string
  readonly url?: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  resume(): unknown
}

export interface Outgoing {
  setHeader(name: string, value: string): unknown
  writeHead(status: number, headers: Readonly<Record<string, string | readonly string[]>>): unknown
  write(chunk: string | Uint8Array, callback: () => void): unknown
  end(body?: string | Uint8Array): unknown
  destroy(error?: Error): unknown
}

export interface HttpServer {
  once(event: 'error', listener: (error: Error) => void): unknown
  listen(port: number, host: string, callback: () => void): unknown
  address(): unknown
  close(callback: () => void): unknown
  closeAllConnections(): void
}

/**
 * The module, when a server starts and not before. No `import` names it: a bundler for browsers would look for
 * it.
 *
 * @throws TypeError Where there is no Node.
 */
export function nodeHttp(): NodeHttp {
  const { process } = globalThis as { readonly process?: { getBuiltinModule?(name: string): unknown } }
  const found = process?.getBuiltinModule?.('node:http')
  if (found === undefined) {
    throw new TypeError('Servers need Node, 20.19 or newer. In a browser or a worker, take toHandlers and msw.')
  }
  return found as NodeHttp
}
