// What a measure is told and how it answers: one process for each, its result as JSON on its channel.
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } })

/**
 * Runs `task` and ends the process with its result, whatever timers and channels the contestants leave behind. What they
 * reject and nobody awaits is theirs.
 */
export function measure(task) {
  process.on('unhandledRejection', () => {})
  task({ quick: values.quick, only: values.only?.split(',') }).then(
    (result) => end(result, 0),
    (error) => end({ error: String(error?.stack ?? error) }, 1),
  )
}

/** Tells whoever watches how far it is. */
export function progress(text) {
  process.send?.({ progress: text })
}

function end(result, code) {
  if (process.send) process.send(result, () => process.exit(code))
  else {
    console.log(JSON.stringify(result, null, 2))
    process.exit(code)
  }
}

/** What `task` resolves with, or `late` when it takes too long: a contestant that hangs must not hold up the others. */
export async function within(ms, task, late) {
  let timer
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, ms, late)
  })
  try {
    return await Promise.race([task(), timeout])
  } finally {
    clearTimeout(timer)
  }
}
