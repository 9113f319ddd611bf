/** How a value is sealed: with AES-GCM, as below. Another way would be another number, and neither would open the other. */
const FORMAT = 1

/** The format, and the bytes of `parts` one after the other. */
export function wrap(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array([FORMAT, ...parts.flatMap((part) => [...part])])
}

/** What {@link wrap} was given. `undefined`: it is of another format, or not bytes at all. Never throws. */
export function unwrap(sealed: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (!ArrayBuffer.isView(sealed) || sealed.byteLength === 0) return undefined
  const bytes = new Uint8Array(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  return bytes[0] === FORMAT ? bytes.slice(1) : undefined
}
