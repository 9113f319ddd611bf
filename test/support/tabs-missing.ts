/** What a browser, a setting or an extension may take away. */
const missing: Readonly<Record<string, () => void>> = {
  locks: () => define(navigator, 'locks', { value: undefined }),
  'locks that answer': () => define(navigator, 'locks', { value: { request: () => new Promise(() => {}) } }),
  channel: () => define(globalThis, 'BroadcastChannel', { value: undefined }),
  'channel that delivers': () => define(BroadcastChannel.prototype, 'postMessage', { value() {} }),
  records: () => define(IDBFactory.prototype, 'open', { value: deny }),
  'records that answer': () => define(IDBFactory.prototype, 'open', { value: () => ({}) }),
  marker: () => define(globalThis, 'localStorage', { get: deny }),
}

function define(target: object, name: string, how: PropertyDescriptor): void {
  Object.defineProperty(target, name, { configurable: true, ...how })
}

function deny(): never {
  throw new DOMException('The operation is insecure.', 'SecurityError')
}

/** Takes them away from this page. A name that is not known throws. */
export function takeAway(names: readonly string[]): void {
  for (const name of names) {
    const take = missing[name]
    if (!take) throw new Error(`what is "${name}"?`)
    take()
  }
}
