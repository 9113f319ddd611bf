import { calculateJwkThumbprint, type JWK, jwtVerify, EmbeddedJWK } from 'jose'
import * as webCrypto from '../../src/adapters/signing.ts'
import { createBinding, type BindingOptions } from '../../src/dpop/binding.ts'
import type { Signing } from '../../src/dpop/proof.ts'
import type { Binding } from '../../src/ports.ts'
import { createKeyStore, type KeyStore } from './keys.ts'

/** The device: its clocks, its keys, and what its console was told. */
export interface Device {
  wall: number
  monotonic: number
  readonly keys: KeyStore
  readonly warnings: string[]
  /** A page of it. */
  open(options?: Partial<Pick<BindingOptions, 'alg' | 'allowBearer'>>): Binding
  /** Lets time pass, and runs the timers that are due. */
  pass(ms: number): Promise<void>
}

export function createDevice(wall = 1_800_000_000_000): Device {
  const timers = new Set<{ readonly at: number; readonly task: () => void }>()
  const device: Device = {
    wall,
    monotonic: 5,
    keys: createKeyStore(),
    warnings: [],
    open: (options) =>
      createBinding({
        alg: 'ES256',
        allowBearer: false,
        ...options,
        keys: device.keys,
        signing,
        now: () => ({ wall: device.wall, monotonic: device.monotonic }),
        timer(task, delayMs) {
          const timer = { at: device.monotonic + delayMs, task }
          timers.add(timer)
          return () => void timers.delete(timer)
        },
        warn: (message) => device.warnings.push(message),
      }),
    async pass(ms) {
      await settle()
      device.wall += ms
      device.monotonic += ms
      for (const timer of [...timers].sort((a, b) => a.at - b.at)) {
        if (timer.at > device.monotonic || !timers.delete(timer)) continue
        timer.task()
        await settle()
      }
      await settle()
    },
  }
  return device
}

/** What threads are busy with: on a machine under load a key can take longer to make than a test has turns. */
let underWay = 0

async function counted<T>(task: Promise<T>): Promise<T> {
  underWay++
  return task.finally(() => underWay--)
}

/** WebCrypto, and it is known when it is done. */
const signing: Signing = {
  ...webCrypto,
  generateSigningKey: (...args) => counted(webCrypto.generateSigningKey(...args)),
  sha256: (...args) => counted(webCrypto.sha256(...args)),
  sign: (...args) => counted(webCrypto.sign(...args)),
}

/** Lets everything happen that waits for no timer. */
export async function settle(): Promise<void> {
  for (let quiet = 0; quiet < 5; quiet = underWay === 0 ? quiet + 1 : 0) {
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
}

/** What a proof says, if its signature is good. */
export interface Proven {
  readonly header: Readonly<Record<string, unknown>> & { readonly jwk: JWK }
  readonly claims: Readonly<Record<string, unknown>>
  readonly jkt: string
}

/** As a server checks it: with the key that it brings along. */
export async function verified(proof: string): Promise<Proven> {
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: ['ES256', 'Ed25519'],
    clockTolerance: 1e9,
  })
  const jwk = protectedHeader.jwk as JWK
  return { header: { ...protectedHeader, jwk }, claims: payload, jkt: await calculateJwkThumbprint(jwk) }
}

/** An answer with these headers. */
export function headersOf(headers: Readonly<Record<string, string>>): (name: string) => string | null {
  return (name) => headers[name] ?? null
}
