/** SHA-256 at once, as base64url: WebCrypto's takes a turn of promises, and a log keeps the order of arrival. */
export function digest(data: string | Uint8Array): string {
  return base64url(sha256(typeof data === 'string' ? new TextEncoder().encode(data) : data))
}

/**
 * Names a secret in logs and assertions without being it: the same secret, the same twelve characters.
 *
 * @example
 *   const { value } = await tokens.getAccessToken()
 *   console.log(fingerprint(value)) // what `log` says of it, at both servers
 */
export function fingerprint(secret: string): string {
  return digest(secret).slice(0, 12)
}

export function base64url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** @throws What is no base64url. */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[\w-]*$/.test(text)) throw new TypeError('this is no base64url')
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0))
}

/** A secret of `bytes` random bytes, as base64url. */
export function randomText(bytes: number): string {
  return base64url(crypto.getRandomValues(new Uint8Array(bytes)))
}

/** FIPS 180-4, sections 4.2.2 and 5.3.3: the first bits of the roots of the first primes. */
function constants(): { readonly initial: Uint32Array; readonly round: Uint32Array } {
  const primes: number[] = []
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n)
  const fraction = (root: number): number => Math.floor((root % 1) * 2 ** 32)
  return {
    initial: Uint32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime))),
    round: Uint32Array.from(primes, (prime) => fraction(Math.cbrt(prime))),
  }
}
let known: ReturnType<typeof constants> | undefined

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by))

function sha256(message: Uint8Array): Uint8Array {
  const { initial, round } = (known ??= constants())
  const padded = new Uint8Array(((message.length + 72) >> 6) << 6)
  padded.set(message)
  padded[message.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(message.length / 2 ** 29))
  view.setUint32(padded.length - 4, message.length << 3)
  const hash = Uint32Array.from(initial)
  const w = new Uint32Array(64)
  const at = (words: Uint32Array, index: number): number => words[index] ?? 0

  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(block + i * 4)
    for (let i = 16; i < 64; i++) {
      const early = at(w, i - 15)
      const late = at(w, i - 2)
      const s0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3)
      const s1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10)
      w[i] = at(w, i - 16) + s0 + at(w, i - 7) + s1
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = hash
    for (let i = 0; i < 64; i++) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + at(round, i) + at(w, i)) | 0
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0]
    }
    for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) hash[i] = at(hash, i) + word
  }
  const bytes = new DataView(new ArrayBuffer(32))
  for (const [i, word] of hash.entries()) bytes.setUint32(i * 4, word)
  return new Uint8Array(bytes.buffer)
}
