import type { Keys } from '../../dpop/binding.ts'
import type { Signing } from '../../dpop/proof.ts'
import { toBase64url } from '../../lib/base64url.ts'
import { createRandom, mix } from './random.ts'
import type { Faults, SimTab } from './tab.ts'

/** Keys, hashes and signatures of one browser profile: worth nothing elsewhere, and the same for the same seed. */
export interface SimCrypto {
  /** What a binding is made of in this tab. All of it takes its time, in which the tab may be frozen. */
  for(tab: SimTab): { readonly signing: Signing; readonly keys: Keys }
  isSigned(jwk: JsonWebKey, signed: string, signature: string): boolean
}

interface SimKey {
  readonly secret: string
}

/** In the place of SHA-256, as `ath` and a thumbprint have it. */
export function hashOf(text: string): string {
  return toBase64url(digest(text))
}

function digest(text: string): Uint8Array<ArrayBuffer> {
  const next = createRandom(mix(text))
  return Uint8Array.from({ length: 8 }, () => next() * 256)
}

export function createSimCrypto(faults: Faults): SimCrypto {
  const stored = new Map<string, unknown>()
  const secrets = new Map<string | undefined, string>()
  let keysMade = 0
  const signatureOf = (secret: string, signed: string): Uint8Array<ArrayBuffer> => digest(`${secret} ${signed}`)

  return {
    for(tab) {
      let ids = 0
      const after = <T>(task: () => T): Promise<T> =>
        new Promise((resolve, reject) =>
          tab.soon(() => {
            try {
              resolve(task())
            } catch (error) {
              reject(error)
            }
          }),
        )
      const inStore = <T>(task: () => T): Promise<T> => {
        if (faults.keys === 'hanging') return new Promise<never>(() => {})
        return after(() => {
          if (faults.keys === 'missing') throw new TypeError('there are no keys here')
          return task()
        })
      }
      const signing: Signing = {
        generateSigningKey: () =>
          after(() => {
            const [x, secret] = [`key-${String(++keysMade)}`, `sim-secret-${String(keysMade)}`]
            secrets.set(x, secret)
            return { privateKey: { secret } as unknown as CryptoKey, jwk: { kty: 'EC', crv: 'P-256', x, y: 'sim' } }
          }),
        isSigningKey: (value): value is CryptoKey => (Object(value) as Partial<SimKey>).secret !== undefined,
        newId: () => `${tab.name} ${String(++ids)}`,
        sha256: (bytes) => after(() => digest(textOf(bytes))),
        sign: (_, key, bytes) => after(() => signatureOf((key as unknown as SimKey).secret, textOf(bytes))),
      }
      const keys: Keys = {
        write: (name, kept) =>
          inStore(() => {
            if (faults.keys !== 'losing') stored.set(name, kept)
          }),
        read: (name, touch) =>
          inStore(() => {
            const kept = stored.get(name)
            if (kept !== undefined) stored.set(name, touch(kept as object))
            return kept
          }),
        remove: (name) =>
          inStore(() => {
            stored.delete(name)
          }),
        sweep: (isOld) =>
          inStore(() => {
            for (const [name, kept] of stored) if (isOld(kept)) stored.delete(name)
          }),
      }
      return { signing, keys }
    },
    isSigned({ x }, signed, signature) {
      const secret = secrets.get(x)
      return secret !== undefined && toBase64url(signatureOf(secret, signed)) === signature
    },
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
