export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Half of the values lie between these two. */
export const quartiles = (values) => {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  return [at(0.25), at(0.75)]
}

/** A list that begins elsewhere in every round, so that nobody always runs first. */
export const rotated = (list, round) => list.map((_, index) => list[(index + round) % list.length])

/** Microseconds of processor time that this process has used: what others do on the machine counts less than on the clock. */
export const cpuUs = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}
