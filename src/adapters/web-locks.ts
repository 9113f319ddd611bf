import type { Locks } from '../ports.ts'

/** The Web Locks of a page or worker. A server has no tabs: there every manager is alone. */
export const locks: Locks = async (name, task, signal) => {
  if (typeof location === 'undefined') return task()
  return navigator.locks.request(`tokenward:${name}`, { signal }, task)
}
