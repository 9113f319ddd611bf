import type { Ports } from '../../ports.ts'
import type { Lane, Loop } from './loop.ts'
import type { Faults } from './tab.ts'

interface Waiting {
  readonly lane: Lane
  grant(): void
  rob(): void
}

/** The lock manager of one origin. */
export interface LockManager {
  for(lane: Lane, observe: (what: 'locked' | 'unlocked' | 'robbed') => void): Ports['locks']
  /** The tab is gone, and its locks with it. */
  free(lane: Lane): void
  /** Takes the lock from whoever holds it. */
  steal(): void
  /** Names that somebody holds or waits for. */
  held(): number
  of(lane: Lane): number
}

export function createLockManager(loop: Loop, faults: Faults): LockManager {
  const queues = new Map<string, Waiting[]>()

  /** Lets the first in the queue have the lock. A frozen tab gets it, and does not know. */
  function serve(name: string): void {
    queues.get(name)?.[0]?.grant()
  }

  function leave(name: string, one: Waiting): void {
    const queue = queues.get(name) ?? []
    const first = queue[0] === one
    queues.set(
      name,
      queue.filter((other) => other !== one),
    )
    if (first) serve(name)
  }

  return {
    for: (lane, observe) => (name, task, signal) => {
      if (faults.locks === 'missing') return Promise.reject(new TypeError('there are no locks here'))
      if (faults.locks === 'hanging' || lane.condition === 'dead') return new Promise<never>(() => {})
      return new Promise((resolve, reject) => {
        let granted = false
        const one: Waiting = {
          lane,
          grant() {
            if (granted) return
            granted = true
            loop.at(
              faults.lockMs(lane.name),
              () => {
                signal.removeEventListener('abort', abort)
                if (queues.get(name)?.[0] !== one) return
                observe('locked')
                task()
                  .then(resolve, reject)
                  .finally(() => {
                    if (queues.get(name)?.[0] === one) observe('unlocked')
                    leave(name, one)
                  })
              },
              { lane, kind: 'lock' },
            )
          },
          rob() {
            signal.removeEventListener('abort', abort)
            observe('robbed')
            leave(name, one)
            loop.at(0, () => reject(new DOMException('The lock was stolen', 'AbortError')), { lane, kind: 'lock' })
          },
        }
        const abort = (): void => {
          if (granted) return
          leave(name, one)
          reject(new DOMException('The request was aborted', 'AbortError'))
        }
        signal.addEventListener('abort', abort)
        queues.set(name, [...(queues.get(name) ?? []), one])
        serve(name)
      })
    },
    free(lane) {
      for (const [name, queue] of queues) for (const one of queue) if (one.lane === lane) leave(name, one)
    },
    steal() {
      for (const queue of queues.values()) queue[0]?.rob()
    },
    held: () => [...queues.values()].filter((queue) => queue.length > 0).length,
    of: (lane) => [...queues.values()].flat().filter((one) => one.lane === lane).length,
  }
}
