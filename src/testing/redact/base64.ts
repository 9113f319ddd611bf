const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

export function toBytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

/** `undefined`: the bytes are no text in UTF-8. */
export function toText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** With padding. */
export function toBase64(bytes: Uint8Array): string {
  const chunks: string[] = []
  for (let at = 0; at < bytes.length; at += 0x6000) chunks.push(String.fromCharCode(...bytes.subarray(at, at + 0x6000)))
  return btoa(chunks.join(''))
}

/** Without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** Reads base64 and base64url, padded or not. `undefined`: it is neither. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const plain = text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')
  if (/[^A-Za-z0-9+/]/.test(plain) || plain.length % 4 === 1) return undefined
  try {
    return Uint8Array.from(atob(plain), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** The characters of base64 that `bytes` decide alone, wherever in a longer run they stand: one for each alignment. */
export function base64Pieces(bytes: Uint8Array): string[] {
  return [0, 1, 2].map((skip) => {
    let piece = ''
    // Bit by bit from the first whole sixth: what is before and after it belongs to the neighbours too.
    for (let bit = (6 - ((skip * 8) % 6)) % 6; bit + 6 <= bytes.length * 8; bit += 6) {
      const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0)
      piece += STANDARD[(pair >> (10 - (bit & 7))) & 63] ?? ''
    }
    return piece
  })
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
