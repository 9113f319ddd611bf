import type { Binding } from '../ports.ts'

/** The binding of `dpop()`, whose code is loaded when a key is made, or used, for the first time. */
export function lazyBinding(): Binding {
  let loaded: Binding | undefined
  async function load(): Promise<Binding> {
    const { dpop } = await import('../dpop/index.ts')
    return (loaded ??= dpop())
  }
  return {
    allowBearer: false,
    create: async (...wishes) => (await load()).create(...wishes),
    prove: async (attempt) => (await load()).prove(attempt),
    // Of a proof: so it is there.
    learn: (proof, header) => loaded?.learn(proof, header) ?? false,
    forget: async (key) => (await load()).forget(key),
  }
}
