// What the parts of the bench that write results of their own are told.
import { parseArgs } from 'node:util'

/** `quick`: tiny counts, to see that it runs. `write`: results are kept; those of a quick run never are. */
export function readOptions() {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, write: { type: 'boolean', default: true } },
    allowNegative: true,
  })
  return { quick: values.quick, write: values.write && !values.quick }
}
