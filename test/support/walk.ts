/**
 * Every place in `value` where one of `secrets` can be found, also a part of one: own and inherited properties, symbols,
 * getters, maps, headers, forms, bytes. For a page, where nothing can be inspected by other means.
 */
export function placesOfSecrets(secrets: readonly string[], value: unknown, limit = 300_000): string[] {
  // The signature of a token is a secret without the rest of it.
  const wanted = secrets.map((secret) => secret.slice(-24))
  const places: string[] = []
  const seen = new Set<object>()
  const queue: [path: string, found: unknown][] = [['', value]]
  let steps = 0

  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (++steps > limit) throw new Error('too much to walk')
    const [path, found] = next
    if (typeof found === 'string') {
      if (wanted.some((secret) => found.includes(secret))) places.push(path)
      continue
    }
    if ((typeof found !== 'object' && typeof found !== 'function') || found === null || seen.has(found)) continue
    seen.add(found)
    // The page itself is searched by other means, and leads everywhere.
    if (found === globalThis || found instanceof Node || found instanceof Function) continue
    if (ArrayBuffer.isView(found) || found instanceof ArrayBuffer) {
      queue.push([`${path}.bytes`, new TextDecoder('latin1').decode(found)])
      continue
    }
    for (const text of [asText, JSON.stringify]) {
      try {
        queue.push([`${path} as text`, text(found)])
      } catch {
        // It cannot be made a text.
      }
    }
    if (Symbol.iterator in found) {
      try {
        let index = 0
        for (const entry of found as Iterable<unknown>) queue.push([`${path}[${index++}]`, entry])
      } catch {
        // It is the prototype of something that can be iterated.
      }
    }
    for (let holder: object | null = found; holder !== null && holder !== Object.prototype;) {
      for (const key of Reflect.ownKeys(holder)) {
        try {
          queue.push([`${path}.${String(key)}`, (found as Record<PropertyKey, unknown>)[key]])
        } catch {
          // A getter that works on instances only.
        }
      }
      holder = Object.getPrototypeOf(holder) as object | null
    }
  }
  return places
}

const asText: (value: unknown) => string = String

/** Whatever a page keeps or shows that a script, an extension or the next user could read. */
export async function everythingInPage(): Promise<Record<string, unknown>> {
  const databases = await Promise.all((await indexedDB.databases()).map(({ name = '' }) => readDatabase(name)))
  const cached = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()))
  return {
    localStorage: Object.entries(localStorage),
    sessionStorage: Object.entries(sessionStorage),
    databases,
    cached: cached.flat().map(({ url }) => url),
    cookie: document.cookie,
    url: location.href,
    referrer: document.referrer,
    history: JSON.stringify(history.state),
    name: window.name,
    html: document.documentElement.outerHTML,
    entries: performance.getEntries().map((entry) => JSON.stringify(entry)),
  }
}

async function readDatabase(name: string): Promise<unknown> {
  const db = await result(indexedDB.open(name))
  const rows: unknown[] = []
  for (const store of db.objectStoreNames) {
    const all = db.transaction(store).objectStore(store)
    rows.push(await result(all.getAllKeys()), await result(all.getAll()))
  }
  db.close()
  return { name, rows }
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('not read'))
  })
}
