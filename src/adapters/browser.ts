import type { Ports } from '../ports.ts'
import { newAbort } from './abort.ts'
import { openChannel } from './broadcast.ts'
import { clock, timer } from './clock.ts'
import { platformFetch } from './fetch.ts'
import { lifecycle } from './lifecycle.ts'
import { marker } from './marker.ts'
import { records } from './records.ts'
import { report } from './report.ts'
import { locks } from './web-locks.ts'

/** The ports on the platform: a page, a worker, or Node. Globals are read when a port is used. */
export const browserPorts: Ports = {
  clock,
  timer,
  random: () => Math.random(),
  fetch: platformFetch,
  lifecycle,
  marker,
  locks,
  openChannel,
  records,
  newAbort,
  report,
}
