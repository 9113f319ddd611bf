/**
 * Bytes in the alphabet that URLs and headers take, without padding.
 *
 * @see [RFC 7515 section 2](https://www.rfc-editor.org/rfc/rfc7515.html#section-2)
 */
export function toBase64url(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
