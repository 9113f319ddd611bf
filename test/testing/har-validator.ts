import sdk from '@har-sdk/validator'
import type { Har } from 'tokenward/testing'

/** What is wrong with `har` by the schema of HAR 1.2. */
export async function problemsOfHar(har: Har): Promise<unknown[]> {
  const validator = new sdk.HarValidator()
  return (await validator.verify(JSON.parse(JSON.stringify(har)) as never)) as unknown[]
}
