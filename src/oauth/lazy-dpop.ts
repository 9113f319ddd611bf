import type { Binding } from '../ports.ts'

/** DPoP, loaded when it is first needed: whoever does not ask for it does not pay for it. */
export function createLazyDpop(): Binding {
  let loading: Promise<Binding> | undefined
  let loaded: Binding | undefined
  async function load(): Promise<Binding> {
    loading ??= import('../dpop/index.ts').then(({ dpop }) => dpop())
    return (loaded = await loading)
  }
  return {
    allowBearer: false,
    create: async () => (await load()).create(),
    prove: async (attempt) => (await load()).prove(attempt),
    // What has been proved has been loaded.
    learn: (proof, header) => loaded?.learn(proof, header) ?? false,
    forget: async (key) => (await load()).forget(key),
  }
}
