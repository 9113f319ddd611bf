/** The cookies of one principal, where no browser keeps them. */
export interface Jar {
  keep(url: string, lines: readonly string[]): void
  /** What a request to `url` carries. `undefined`: nothing. */
  header(url: string): string | undefined
  /** The value of the first cookie whose name matches. */
  find(name: RegExp): string | undefined
  /** All that says who somebody is: what is no token against forged requests. */
  credentials(): string
  /** Another with the same cookies. */
  copy(): Jar
}

interface Cookie {
  readonly host: string
  readonly path: string
  readonly name: string
  readonly value: string
}

export const CSRF: RegExp = /csrf|xsrf/i

export function createJar(from: readonly Cookie[] = []): Jar {
  let cookies = [...from]

  return {
    keep(url, lines) {
      const { hostname } = new URL(url)
      for (const line of lines) {
        const [, name = '', value = ''] = /^\s*([^=;]+)=([^;]*)/.exec(line) ?? []
        const path = /;\s*path=([^;]*)/i.exec(line)?.[1]?.trim() ?? '/'
        const isOver = /;\s*max-age=(0|-\d+)\s*(;|$)/i.test(line) || value === ''
        cookies = cookies.filter((one) => one.host !== hostname || one.path !== path || one.name !== name)
        if (!isOver && name !== '') cookies.push({ host: hostname, path, name, value })
      }
    },
    header(url) {
      const { hostname, pathname } = new URL(url)
      const sent = cookies.filter(({ host, path }) => host === hostname && covers(path, pathname))
      return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join('; ')
    },
    find: (wanted) => cookies.find(({ name }) => wanted.test(name))?.value,
    credentials: () => JSON.stringify(cookies.filter(({ name }) => !CSRF.test(name))),
    copy: () => createJar(cookies),
  }
}

/** RFC 6265 section 5.1.4. */
function covers(path: string, pathname: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
}
