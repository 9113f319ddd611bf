// As much of a page as the contestants ask for outside a browser. Import axios before this: it decides by `window`
// which transports it has, and shall decide as it does in Node.
import 'axios'
import 'fake-indexeddb/auto'

function createStorage() {
  const items = new Map()
  return {
    get length() {
      return items.size
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, String(value)),
    removeItem: (key) => void items.delete(key),
    clear: () => items.clear(),
  }
}

const target = new EventTarget()
const page = new URL('https://app.example.com/')

Object.assign(globalThis, {
  window: globalThis,
  self: globalThis,
  localStorage: createStorage(),
  sessionStorage: createStorage(),
  location: page,
  history: { replaceState() {}, pushState() {} },
  document: {
    baseURI: page.href,
    cookie: '',
    title: '',
    location: page,
    visibilityState: 'visible',
    hidden: false,
    addEventListener() {},
    removeEventListener() {},
    createElement: () => ({ setAttribute() {}, style: {} }),
  },
  addEventListener: target.addEventListener.bind(target),
  removeEventListener: target.removeEventListener.bind(target),
  dispatchEvent: target.dispatchEvent.bind(target),
})

const queues = new Map()

/** Web Locks of one page: exclusive, in order. */
const locks = {
  async request(name, options, task = options) {
    const before = queues.get(name) ?? Promise.resolve()
    const run = before.then(() => task({ name, mode: 'exclusive' }))
    queues.set(
      name,
      run.catch(() => {}),
    )
    return run
  },
}
Object.defineProperty(globalThis.navigator ?? (globalThis.navigator = {}), 'locks', {
  value: locks,
  configurable: true,
})
Object.defineProperty(globalThis.navigator, 'onLine', { value: true, configurable: true })
