import { encryptedStorage } from 'tokenward/storage'

export interface Order {
  readonly plain?: Uint8Array
  readonly sealed?: unknown
  readonly bind: string
}

const storage = encryptedStorage()

// Another agent of the same origin, as another tab is.
globalThis.onmessage = ({ data: { plain, sealed, bind } }: MessageEvent<Order>) => {
  const done = plain ? storage.seal(plain, bind) : storage.open(sealed, bind)
  void done.then((result) => globalThis.postMessage(result))
}
globalThis.postMessage('ready')
