// A clock that can be moved on, for every contestant at once. Timers keep real time.
const RealDate = Date
const realNow = Date.now
const realMonotonic = performance.now.bind(performance)
let shiftMs = 0

class ShiftedDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(realNow() + shiftMs)
    else super(...args)
  }
  static now() {
    return realNow() + shiftMs
  }
}

/** Milliseconds of the real clock, for what is measured. */
export const measuredMs = () => realMonotonic()

/** Only a measure that moves time needs it: a shifted clock costs a little more to read. */
export function installClock() {
  globalThis.Date = ShiftedDate
  performance.now = () => realMonotonic() + shiftMs
}

export function moveClock(ms) {
  shiftMs += ms
}

/** How far it was moved on. */
export const movedMs = () => shiftMs
