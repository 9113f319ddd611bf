/** The key that is kept, as a script of the origin finds it. */
export async function keptKey(factory: IDBFactory = indexedDB): Promise<unknown> {
  return settled((await storeOf(factory, 'tokenward-keys', 'keys')).get('refresh-token'))
}

/** Puts something in the place of the key. */
export async function putKey(value: unknown): Promise<void> {
  await settled((await storeOf(indexedDB, 'tokenward-keys', 'keys')).put(value, 'refresh-token'))
}

/** Where a manager would put what is sealed. */
export async function putRecord(value: unknown): Promise<void> {
  await settled((await storeOf(indexedDB, 'test-records', 'records')).put(value, 'shop'))
}

export async function readRecord(): Promise<unknown> {
  return settled((await storeOf(indexedDB, 'test-records', 'records')).get('shop'))
}

/** On a connection that is closed as soon as it has done its work: others may delete the database. */
async function storeOf(factory: IDBFactory, database: string, name: string): Promise<IDBObjectStore> {
  const request = factory.open(database)
  request.onupgradeneeded = () => void request.result.createObjectStore(name)
  const db = await settled(request)
  const store = db.transaction(name, 'readwrite').objectStore(name)
  db.close()
  return store
}

/** All that is in all databases of the origin. */
export async function dump(): Promise<unknown[]> {
  const found: unknown[] = []
  for (const { name = '' } of await indexedDB.databases()) {
    const db = await settled(indexedDB.open(name))
    for (const store of Array.from(db.objectStoreNames)) {
      const rows = db.transaction(store).objectStore(store)
      found.push(await Promise.all([settled(rows.getAllKeys()), settled(rows.getAll())]))
    }
    db.close()
  }
  return found
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('aborted'))
  })
}
