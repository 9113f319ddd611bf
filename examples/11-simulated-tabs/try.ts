import { createSimulation, type Breach, type Mode } from 'tokenward/testing'
import { createNotes } from './notes.ts'

export interface Outcome {
  /** What each tab still has of Ann's notes after she has signed out, or Bob has signed in. */
  readonly left: readonly (readonly string[])[]
  readonly breaches: readonly Breach[]
}

/** Ann takes notes in three tabs, of which one sleeps and one is in the midst of a refresh when `leave` happens. */
export async function tryNotes(seed: number, mode: Mode, leave: 'logout' | 'switch'): Promise<Outcome> {
  const sim = createSimulation({ seed, mode, tabs: 3 })
  const notes = sim.tabs.map(({ tokens }) => createNotes(tokens))
  const [first, second, third] = sim.tabs
  if (!first || !second || !third) throw new Error('three tabs were asked for')

  await sim.during(first.app.call('login', { as: 'ann' }))
  await sim.during(Promise.all([second.app.call('restore'), third.app.call('restore')]), 1_000)
  for (const one of notes) one.add('buy flowers for Ann')

  // The back/forward cache: it hears nothing. Messages to the other tab are lost, and the server is slow.
  second.freeze({ deaf: true })
  sim.faults.copies = () => []
  sim.legMs = 400
  sim.server.forgetAccess()
  const refreshing = third.app.call('send')
  await sim.pass(500)
  void first.app.call(leave === 'logout' ? 'logout' : 'login', { as: 'bob' })
  await sim.pass(4_000)
  second.thaw()
  await sim.during(refreshing, 31_000)
  await sim.pass(1_000)
  return { left: notes.map((one) => one.all()), breaches: sim.finish() }
}
