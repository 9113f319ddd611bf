import axios from 'axios'
import { createTokenManager, tokenErrorOf, type TokenManager } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { createFetch } from 'tokenward/fetch'
import { encryptedStorage } from 'tokenward/storage'
import { dpop } from 'tokenward/dpop'
import { dpopSource } from './dpop-source.ts'

/** What a test finds in the page as `app`. */
export interface DpopApp {
  readonly tokens: TokenManager
  /** Sends `count` requests at once, through every binding in turn. What became of each: its status, or an error code. */
  send(count: number, path?: string): Promise<(number | string)[]>
  /** Lets the manager's clocks jump. */
  pass(ms: number): void
  /** What a script of the origin can read of the keys. */
  readKeys(): Promise<{ readonly count: number; readonly extracted: number }>
  removeKeys(): Promise<void>
}

const server = new URLSearchParams(location.search).get('server') ?? ''
let shift = 0

const tokens = createTokenManager({
  source: dpopSource(server, dpop()),
  resources: [server],
  storage: encryptedStorage(),
  ports: { clock: { now: () => ({ wall: Date.now() + shift, monotonic: performance.now() + shift }) } },
})
const [viaXhr, viaFetch] = (['xhr', 'fetch'] as const).map((adapter) => {
  const instance = axios.create({ baseURL: server, adapter })
  bindAxios(instance, tokens)
  return instance
})
const request = createFetch(tokens)

const bindings = [
  (path: string) => viaXhr!.get(path),
  (path: string) => viaFetch!.post(path, { item: 'Tea' }),
  (path: string) => request(`${server}${path}`, { method: 'PUT', body: 'Tea' }),
]

function settled<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result)
    asked.onerror = () => reject(asked.error ?? new Error('aborted'))
  })
}

const app: DpopApp = {
  tokens,
  send: (count, path = '/orders') =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        bindings[index % bindings.length]!(`${path}/${index}`).then(
          ({ status }) => status,
          (error: unknown) => tokenErrorOf(error)?.code ?? (error as { status?: number }).status ?? String(error),
        ),
      ),
    ),
  pass: (ms) => void (shift += ms),
  async readKeys() {
    const db = await settled(indexedDB.open('tokenward-dpop'))
    const kept = (await settled(db.transaction('keys').objectStore('keys').getAll())) as { privateKey: CryptoKey }[]
    db.close()
    const tried = await Promise.allSettled(kept.map(({ privateKey }) => crypto.subtle.exportKey('jwk', privateKey)))
    return { count: kept.length, extracted: tried.filter(({ status }) => status === 'fulfilled').length }
  },
  removeKeys: () => settled(indexedDB.deleteDatabase('tokenward-dpop')).then(() => undefined),
}
Object.assign(globalThis, { dpopApp: app })
