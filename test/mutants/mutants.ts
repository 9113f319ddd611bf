import { life } from './life.ts'
import { manyTabs } from './many-tabs.ts'
import type { Mutant } from './mutant.ts'
import { narrowed } from './narrow.ts'
import { oneTab } from './one-tab.ts'
import { proven } from './proven.ts'
import { shared } from './shared.ts'
import { simulated } from './simulated.ts'
import { stored } from './storage.ts'

/** Each takes away one line that guards against a race, or against what other tabs do. */
export const mutants: readonly Mutant[] = [
  ...oneTab,
  ...stored,
  ...shared,
  ...manyTabs,
  ...life,
  ...simulated,
  ...narrowed,
  ...proven,
]
