import { type Mutant, mutantsOf } from './mutant.ts'

const seeds = 'test/sim/first-seeds.test.ts'

/** What the simulator has found, and nobody had thought of. */
export const simulated: readonly Mutant[] = [
  ...mutantsOf('src/manager.ts', [
    [
      seeds,
      'a state that looks the same is told again',
      'if (shown !== store.snapshot()) events',
      'if (events) events',
    ],
  ]),
  ...mutantsOf('src/flow/sign-out.ts', [
    [
      seeds,
      'a tab follows into a session that its own listener has ended',
      '    // A listener that was told may have gone on, and further than this.\n    if (newest.epoch <= met) return\n',
      '',
    ],
    [
      seeds,
      'a tab that slept reads that it was signed out, whatever had happened',
      "announce('nobody', newest.reason)",
      "announce('nobody', 'logout')",
    ],
  ]),
  ...mutantsOf('src/flow/schedule.ts', [
    [
      seeds,
      'a timer is set twice, and stopped once',
      '    notice()\n    // After that: whatever it has changed has been looked at, and has set the timer.\n    stopTimer?.()\n',
      '    stopTimer?.()\n    notice()\n',
    ],
  ]),
  ...mutantsOf('src/flow/send.ts', [
    [
      seeds,
      'a bare request does not end with its signal',
      'return untilAborted(exchange.send({}), [signal, life])\n    }\n    // What is on its way',
      'return exchange.send({})\n    }\n    // What is on its way',
    ],
  ]),
  ...mutantsOf('src/flow/restore.ts', [
    [seeds, 'two tabs that have nothing to go by present one cookie', '        await mark()\n', ''],
    [
      seeds,
      'a cookie whose answer is lost is presented again at once',
      '(isAnswer(thrown) || !sent) && unmark()',
      'unmark()',
    ],
    [
      seeds,
      'a session that has ended while it was looked for is found over and over again',
      'if (epochs.newest()?.epoch !== known.epoch) return find(false, isCurrent, flight)',
      '',
    ],
  ]),
]
