import { deathScenarios } from './tabs-deaths.ts'
import { degradedScenarios } from './tabs-degraded.ts'
import type { Scenario } from './tabs-driver.ts'
import { historyScenarios } from './tabs-histories.ts'
import { leakScenarios } from './tabs-leaks.ts'
import { logoutScenarios } from './tabs-logout.ts'
import { refreshScenarios } from './tabs-refresh.ts'
import { storageScenarios } from './tabs-storage.ts'

/** What tabs of one browser have to show, whichever browser it is. */
export const scenarios: readonly Scenario[] = [
  ...refreshScenarios,
  ...logoutScenarios,
  ...deathScenarios,
  ...degradedScenarios,
  ...leakScenarios,
  ...storageScenarios,
  ...historyScenarios,
]
