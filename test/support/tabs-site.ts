import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { PageOptions, Source } from './tabs-driver.ts'
import { startRecorder, type Recorder } from './recorder.ts'
import { type CookieCall, startSite, type Site } from './site.ts'

export interface TabsSite extends Site {
  /** A resource whose `/stall` never answers. */
  readonly slow: Recorder
  /** Where a tab is opened. */
  page(options?: PageOptions): string
  /** What tabs call the session when the application gives it no name. */
  sessionName(source: Source): string
  /** What the API was sent: the number of the call, whose token it carried, and when. */
  /** The calls to `/auth` that recorded pages have made, by what the page calls them. */
  readonly cookieCalls: ReadonlyMap<string, CookieCall>
  sent(): { readonly id: string | undefined; readonly user: string | undefined; readonly at: number }[]
}

/** One origin with the page of the many-tab scenarios on it; a spent refresh token that comes again ends its session. */
export async function startTabsSite(): Promise<TabsSite> {
  const folder = await mkdtemp(join(tmpdir(), 'tabs-'))
  await build({
    entryPoints: [fileURLToPath(new URL('tabs-page.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    outfile: join(folder, 'page.js'),
    logLevel: 'error',
  })
  const html = (title: string, head: string): string =>
    `<!doctype html><html lang="en"><title>${title}</title><link rel="icon" href="data:,">${head}<h1>${title}</h1></html>`
  await writeFile(join(folder, 'index.html'), html('A tab', '<script type="module" src="/page.js"></script>'))
  await writeFile(join(folder, 'blank'), html('Another page', ''))
  // With `no-store` no browser would keep a page in its back/forward cache.
  const headers = { 'Cache-Control': 'no-cache' }
  const cookieCalls = new Map<string, CookieCall>()
  const watch = (call: CookieCall): void => void cookieCalls.set(call.id, call)
  const [site, slow] = await Promise.all([startSite({ folder, headers, auth: { graceMs: 0 }, watch }), startRecorder()])

  return {
    ...site,
    slow,
    cookieCalls,
    page({ source = 'cookie', storage, without = [], timeoutMs = 2_000, record } = {}) {
      const query = new URLSearchParams({ timeout: String(timeoutMs), resource: slow.origin })
      if (source === 'json') query.set('auth', site.auth.origin)
      if (storage) query.set('storage', storage)
      if (record) query.set('record', '')
      for (const name of without) query.append('without', name)
      return `${site.url}?${query}`
    },
    sessionName: (source) => (source === 'json' ? `token ${site.auth.origin}/json/refresh` : 'cookie /auth/refresh'),
    sent: () =>
      site.api.log
        // Whose token it is takes a moment to find out.
        .filter(({ end }) => end !== undefined)
        .map(({ path, subject, at }) => ({
          id: new URL(path, site.url).searchParams.get('id') ?? undefined,
          user: subject,
          at,
        })),
    async close() {
      await Promise.all([site.close(), slow.close(), rm(folder, { recursive: true })])
    },
  }
}
