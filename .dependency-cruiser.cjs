/** Who may import whom inside src. A name is a folder of src or a file at its top. */
const layers = {
  lib: [],
  errors: ['lib'],
  token: ['lib', 'errors'],
  ports: ['lib', 'errors', 'token'],
  session: ['lib', 'errors', 'token', 'ports'],
  tabs: ['lib', 'errors', 'token', 'ports', 'session'],
  options: ['lib', 'errors', 'token', 'ports', 'session'],
  flow: ['lib', 'errors', 'token', 'ports', 'session', 'tabs', 'options'],
  adapters: ['lib', 'errors', 'token', 'ports'],
  sources: ['lib', 'errors', 'token', 'ports', 'adapters'],
  oauth: ['lib', 'errors', 'token', 'ports', 'adapters', 'sources', 'dpop'],
  storage: ['lib', 'errors', 'ports', 'adapters'],
  dpop: ['lib', 'errors', 'ports', 'adapters'],
  manager: ['lib', 'errors', 'token', 'ports', 'session', 'tabs', 'options', 'flow', 'adapters'],
  index: ['lib', 'errors', 'token', 'ports', 'session', 'tabs', 'options', 'flow', 'adapters', 'sources', 'manager'],
  axios: ['lib', 'errors', 'adapters', 'type flow'],
  fetch: ['lib', 'errors', 'adapters', 'type flow'],
}

/** Which packages a layer may import; every other layer imports none. */
const packages = { adapters: ['idb-keyval'], axios: ['axios'], oauth: ['oauth4webapi'] }

const pathOf = (names) => `^src/(${names.join('|')})(/|\\.ts$)`
const known = pathOf(Object.keys(layers))

const layerRules = Object.entries(layers).flatMap(([layer, allowed]) => {
  const types = allowed.filter((name) => name.startsWith('type ')).map((name) => name.slice('type '.length))
  const values = allowed.filter((name) => !name.startsWith('type '))
  const comment = `${layer} may import: ${allowed.join(', ') || 'nothing'}`
  const from = { path: pathOf([layer]) }
  const rules = [
    { name: `layer-${layer}`, comment, from, to: { path: '^src/', pathNot: pathOf([layer, ...values, ...types]) } },
  ]
  if (types.length > 0) {
    const to = { path: pathOf(types), dependencyTypesNot: ['type-only'] }
    rules.push({ name: `layer-${layer}-types-only`, comment, from, to })
  }
  return rules
})

const packageRules = Object.keys(layers).map((layer) => {
  const allowed = packages[layer] ?? []
  const pathNot = ['^src/', ...allowed.map((name) => `^node_modules/${name}/`)]
  const comment = `${layer} may import: ${allowed.join(', ') || 'no package'}`
  return { name: `packages-${layer}`, comment, from: { path: pathOf([layer]) }, to: { pathNot } }
})

const otherRules = [
  { name: 'no-cycle', from: {}, to: { circular: true } },
  { name: 'no-orphan', from: { path: '^src/', orphan: true }, to: {} },
  { name: 'no-import-of-testing', from: { pathNot: '^src/testing/' }, to: { path: '^src/testing/' } },
  {
    name: 'packages-testing',
    comment:
      'testing imports no package: what it needs of one is passed in; axios, of who has passed in an instance of it',
    from: { path: '^src/testing/' },
    to: { pathNot: '^(src|node_modules/axios)/', dependencyTypesNot: ['core'] },
  },
  { name: 'no-unknown-layer', from: { path: '^src/', pathNot: [known, '^src/testing/'] }, to: {} },
]

module.exports = {
  forbidden: [...layerRules, ...packageRules, ...otherRules].map((rule) => ({ severity: 'error', ...rule })),
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
}
