import type { EntryOf } from './history.ts'
import type { CreateJudge } from './rule.ts'
import type { CallView, TabView } from './view.ts'

/** 24: convergence. 25: recovery. */
export const judgeAgreement: CreateJudge = (view, breach) => {
  let recovery = Infinity
  /** What tabs were before they looked for a session, and those who have found none and are that again. */
  const before = new Map<string, string>()
  const fruitless = new Set<string>()
  /** Neither record nor marker worked at some time: what happened then has reached only those who got its message. */
  let blind = false

  /** Nothing that tabs share reaches it, so that it follows nobody. */
  function isCutOff({ condition, disposed, degraded }: TabView): boolean {
    return condition !== 'live' || disposed || /channel|records|marker/.test([...degraded].join())
  }

  /** What each tab thinks. Where nobody had tokens for it each has ended by itself, and nobody tells. */
  function views(): readonly string[] {
    return [...view.tabs.values()].flatMap((tab) => {
      const { name, state } = tab
      if (isCutOff(tab) || !state || /^(expired|never-started|key-lost)$/.test(state.reason ?? '')) return []
      if (fruitless.has(name)) return []
      return [`${name}: ${state.session ?? 'nobody'}`]
    })
  }

  function agreed(): void {
    // A sign-out that only some have heard of, and a clock that makes the next sign-in an earlier one.
    if (view.troubled('marker', 0) && view.jumpedSince(0)) return
    const all = views()
    if (new Set(all.map((one) => one.replace(/.*: /, ''))).size > 1)
      breach(24, `the tabs do not agree: ${all.join(', ')}`)
  }

  function changed({ tab = '', state }: EntryOf<'state'>): void {
    const last = view.tabs.get(tab)?.state
    if (state.status === 'restoring') before.set(tab, JSON.stringify(last))
    const found = last?.status !== 'restoring' || JSON.stringify(state) !== before.get(tab)
    if (found) fruitless.delete(tab)
    else fruitless.add(tab)
  }

  function hasRecovered({ entry: { method }, settled }: CallView): boolean {
    if (method === 'login') return settled?.ok === true && settled.state.signedIn
    return method === 'logout' ? settled?.ok === true : settled?.text === '200'
  }

  return {
    see(entry) {
      if (entry.what === 'weather' && /^(records|marker)$/.test(entry.medium) && entry.condition !== 'working')
        blind ||= view.troubled(entry.medium === 'records' ? 'marker' : 'records', Infinity)
      if (entry.what === 'state') changed(entry)
      if (entry.what !== 'phase') return
      if (entry.name === 'agreed' && !blind) agreed()
      if (entry.name === 'recovery') recovery = Math.max(0, ...view.calls.keys())
      if (entry.name !== 'end') return
      agreed()
      for (const call of view.calls.values()) {
        const { entry: called, settled, tab: name } = call
        const tab = view.tabs.get(name)
        if (called.call <= recovery || !tab || (called.method === 'send' ? isCutOff(tab) : tab.condition !== 'live'))
          continue
        if (hasRecovered(call)) continue
        const outcome = settled?.code ?? settled?.text ?? 'nothing'
        breach(25, `${name}: after a new sign-in call ${String(called.call)} (${called.method}) comes to ${outcome}`)
      }
    },
  }
}
