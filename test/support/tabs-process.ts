import { readdir, readFile } from 'node:fs/promises'
import { pause } from './tabs-driver.ts'

/** A process that belongs to a tree, and how long it has computed: hundredths of a second. */
interface Process {
  readonly pid: number
  readonly command: string
  readonly busy: number
}

/** The processes that `root` has started, and what those have started (Linux). */
export async function processesOf(root: number): Promise<Process[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const stats = await Promise.all(names.map((name) => readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')))
  const all = stats.filter(Boolean).map((stat) => {
    // The second field is a name in parentheses, which may hold anything.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    return {
      pid: parseInt(stat),
      parent: fields[1],
      command: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      busy: fields[11]!,
    }
  })
  const found: Process[] = []
  const parents = new Set([root])
  for (let size = 0; size < parents.size;) {
    size = parents.size
    for (const one of all)
      if (parents.has(one.parent!) && !parents.has(one.pid)) found.push((parents.add(one.pid), one))
  }
  return found
}

/** Gives it a second to end by itself. */
export async function end(pid: number): Promise<void> {
  try {
    for (let left = 20; left > 0; left--) {
      process.kill(pid, 0)
      await pause(50)
    }
    process.kill(pid, 'SIGKILL')
  } catch {
    // There is no such process any more.
  }
}

/** The process in `root`'s tree that computes when `run` runs a task in a page. */
export async function processOf(root: number, run: (task: () => void) => Promise<unknown>): Promise<number> {
  const compute = (): void => {
    const end = Date.now() + 500
    while (Date.now() < end);
  }
  const before = new Map((await processesOf(root)).map(({ pid, busy }) => [pid, busy]))
  await run(compute)
  const worked = (await processesOf(root)).map(({ pid, busy }) => ({
    pid,
    ms: 10 * (busy - (before.get(pid) ?? busy)),
  }))
  const [most, next] = worked.sort((one, other) => other.ms - one.ms)
  if (!most || most.ms < 2 * (next?.ms ?? 0)) throw new Error(`which process was it? ${JSON.stringify(worked)}`)
  return most.pid
}

/**
 * Stops the process of a page: no task runs in it until it is sent `SIGCONT`. The page is told by an event `stop`, as no
 * browser tells it. Returns the process.
 */
export async function stopProcess(root: number, run: (task: () => void) => Promise<unknown>): Promise<number> {
  const pid = await processOf(root, run)
  await run(() => void document.dispatchEvent(new Event('stop')))
  process.kill(pid, 'SIGSTOP')
  return pid
}
