import type { Ports } from '../ports.ts'
import { newAbort } from './abort.ts'
import { clock, timer } from './clock.ts'
import { platformFetch } from './fetch.ts'
import { lifecycle } from './lifecycle.ts'
import { marker } from './marker.ts'
import { report } from './report.ts'

/** The ports on the platform: a page, a worker, or Node. Globals are read when a port is used. */
export const browserPorts: Ports = {
  clock,
  timer,
  random: () => Math.random(),
  fetch: platformFetch,
  lifecycle,
  marker,
  newAbort,
  report,
}
