import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { pause, until, type Tab } from './tabs-driver.ts'
import { never, type Place, type Profile } from './tabs-place.ts'
import { end, processesOf, stopProcess } from './tabs-process.ts'
import type { TabsSite } from './tabs-site.ts'

export interface WebKitPaths {
  readonly driver: string
  readonly browser: string
  readonly xvfb: string
}

/** WebKitGTK over WebDriver, on a display that nobody sees. One session is all that a driver has: each profile is one. */
export async function startWebKit({ driver, browser, xvfb }: WebKitPaths): Promise<Place> {
  const screen = spawn(xvfb, ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const [display] = (await once(screen.stdio[3] as Readable, 'data')) as [Buffer]
  const running = new Set<Session>()
  async function start(): Promise<Session> {
    const session = await startSession(driver, browser, `:${String(display).trim()}`)
    const own: Session = {
      ...session,
      async end() {
        running.delete(own)
        await session.end()
      },
    }
    running.add(own)
    return own
  }
  const { version, end } = await start()
  await end()
  return {
    name: 'WebKitGTK',
    version,
    unable: {
      crash: 'when the process of any page dies, the driver deletes its session, “because of page crash or hang”',
    },
    open: async (site, measured) => openProfile(await start(), site, measured),
    gone: async () => ((screen.exitCode ?? screen.signalCode) === null ? undefined : 'its display is'),
    async close() {
      await Promise.all([...running].map((session) => session.end()))
      await stop(screen)
    },
  }
}

interface Session {
  readonly version: string
  /** Of the driver. */
  readonly pid: number
  ask<Reply>(method: string, path: string, body?: object): Promise<Reply>
  end(): Promise<void>
}

async function startSession(driver: string, binary: string, display: string): Promise<Session> {
  const port = await freePort()
  const env = { ...process.env, DISPLAY: display }
  const child = spawn(driver, [`--port=${port}`, '--host=127.0.0.1'], { env, stdio: 'ignore' })

  async function ask<Reply>(method: string, path: string, body?: object): Promise<Reply> {
    const init = { method, ...(body && { body: JSON.stringify(body) }) }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
    const { value } = (await response.json()) as { value: Reply & { error?: string; message?: string } }
    if (!response.ok) throw new Error(`${value.error}: ${value.message} (${method} ${path})`)
    return value
  }

  await until('the driver answers', () => ask('GET', '/status').then(Boolean, () => false))
  const args = ['--automation', '--javascript-can-open-windows-automatically=true']
  const { sessionId, capabilities } = await ask<{ sessionId: string; capabilities: { browserVersion: string } }>(
    'POST',
    '/session',
    { capabilities: { alwaysMatch: { browserName: 'MiniBrowser', 'webkitgtk:browserOptions': { binary, args } } } },
  )
  const own = `/session/${sessionId}`
  await ask('POST', `${own}/timeouts`, { script: 300_000, pageLoad: 60_000 })
  return {
    version: capabilities.browserVersion,
    pid: child.pid ?? 0,
    ask: (method, path, body) => ask(method, own + path, body),
    async end() {
      const started = await processesOf(child.pid ?? 0)
      await Promise.race([ask('DELETE', own).catch(() => {}), pause(5_000)])
      await stop(child)
      await Promise.all(started.map(({ pid }) => end(pid)))
    },
  }
}

function openProfile(
  { pid, ask, end }: Session,
  site: TabsSite,
  measured: (what: string, value: number) => void,
): Profile {
  let turn: Promise<unknown> = Promise.resolve()
  /** The window that a session comes with has been used. */
  let begun = false
  let watcher: string | undefined
  const handles = new WeakMap<Tab, string>()
  const frozen = new WeakMap<Tab, number>()

  /** Commands are for the window that was chosen last: one after another. */
  function inWindow<Result>(handle: string, task: () => Promise<Result>): Promise<Result> {
    const mine = turn.then(async () => {
      await ask('POST', '/window', { handle })
      return task()
    })
    turn = mine.catch(() => {})
    return mine
  }

  const sync = <Result>(script: string, ...args: unknown[]): Promise<Result> =>
    ask('POST', '/execute/sync', { script, args })

  async function run(handle: string, task: (given: never) => unknown, given?: unknown): Promise<unknown> {
    const script = `const done = arguments[arguments.length - 1], text = arguments[0]
      Promise.resolve().then(() => (${String(task)})(text === null ? undefined : JSON.parse(text)))
        .then((value) => done({ text: JSON.stringify(value) }), (error) => done({ error: String(error) }))`
    const args = [given === undefined ? null : JSON.stringify(given)]
    const { asked } = await inWindow(handle, async () => {
      const asked = ask<{ text?: string; error?: string }>('POST', '/execute/async', { script, args })
      asked.catch(() => {})
      // When this has been answered, that has begun, and another window may be chosen.
      await sync('return 1').catch(() => {})
      return { asked }
    })
    const { text, error } = await asked
    if (error !== undefined) throw new Error(error)
    return text === undefined ? undefined : JSON.parse(text)
  }

  /** Waits for a page that has no such mark, and has run what it loads; or for the end of the window. */
  async function loaded(handle: string, mark = 0): Promise<void> {
    const script = `return document.readyState === 'complete' && location.protocol !== 'about:' && mark !== arguments[0]`
    await until('the page is loaded', () =>
      inWindow(handle, () => sync<boolean>(`const { mark } = window; ${script}`, mark)).catch((error: unknown) =>
        String(error).includes('no such window'),
      ),
    )
  }

  async function newWindow(url: string): Promise<string> {
    const isFirst = !begun
    begun = true
    const [any = ''] = await ask<string[]>('GET', '/window/handles')
    const handle = isFirst
      ? any
      : (await inWindow(any, () => ask<{ handle: string }>('POST', '/window/new', { type: 'window' }))).handle
    await inWindow(handle, () => ask('POST', '/url', { url }))
    return handle
  }

  function toTab(handle: string): Tab {
    const tab: Tab = {
      run: <Result, Given>(task: (given: Given) => Result | Promise<Result>, given?: Given) =>
        run(handle, task, given) as Promise<Result>,
      async leave(task, given) {
        const mark = Math.random()
        await run(handle, (value: number) => void Object.assign(globalThis, { mark: value }), mark)
        // The page may be gone before it can say that the task is done.
        run(handle, task, given).catch(() => {})
        await loaded(handle, mark)
      },
      async popup(options) {
        const before = await ask<string[]>('GET', '/window/handles')
        await run(handle, (url: string) => void window.open(url), site.page(options))
        let opened: string | undefined
        await until('a window is opened', async () => {
          opened = (await ask<string[]>('GET', '/window/handles')).find((one) => !before.includes(one))
          return opened !== undefined
        })
        await loaded(opened!)
        return toTab(opened!)
      },
      reload: () => inWindow(handle, () => ask('POST', '/refresh', {})),
      navigate: () => inWindow(handle, () => ask('POST', '/url', { url: `${site.url}blank` })),
      async close() {
        // With its last window the driver ends the session.
        const all = await ask<string[]>('GET', '/window/handles')
        if (all.length === 1) await newWindow('about:blank')
        await inWindow(handle, () => ask('DELETE', '/window'))
      },
      crash: never,
    }
    handles.set(tab, handle)
    return tab
  }

  return {
    problems: [],
    driver: {
      site,
      measured,
      open: async (options) => toTab(await newWindow(site.page(options))),
      async cookie() {
        // Only a page that the cookie is sent to may be asked.
        watcher ??= await newWindow(`${site.url}auth/none`)
        const cookies = await inWindow(watcher, () => ask<{ name: string; value: string }[]>('GET', '/cookie'))
        return cookies.find(({ name }) => name === 'refresh_token')?.value
      },
      // No command of WebDriver does it, but no task runs in a process that is stopped.
      async freeze(tab) {
        frozen.set(tab, await stopProcess(pid, (task) => tab.run(task)))
      },
      async thaw(tab) {
        process.kill(frozen.get(tab)!, 'SIGCONT')
      },
      hide: (tab) => inWindow(handles.get(tab)!, () => ask('POST', '/window/minimize', {})),
      show: (tab) => inWindow(handles.get(tab)!, () => ask('POST', '/window/rect', { x: 0, y: 0 })),
    },
    close: end,
  }
}

/** One that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill()
  await ended
}
