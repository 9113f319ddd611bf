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

/** The text of these code units, or of bytes as Latin-1. */
export function fromUnits(units: Uint8Array | Uint16Array): string {
  const parts: string[] = []
  // Not by spreading: that takes ten times as long. There is a limit to how many arguments may be.
  for (let at = 0; at < units.length; at += 0x2000) {
    parts.push(Reflect.apply(String.fromCharCode, undefined, units.subarray(at, at + 0x2000)) as string)
  }
  return parts.join('')
}

/** With padding. */
export function toBase64(bytes: Uint8Array): string {
  return btoa(fromUnits(bytes))
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
    const shifted = new Uint8Array(skip + bytes.length)
    shifted.set(bytes, skip)
    // From the first whole sixth to the last: what is before and after it belongs to the neighbours too.
    const from = Math.ceil((skip * 8) / 6)
    return toBase64(shifted).slice(from, Math.floor((shifted.length * 8) / 6))
  })
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
