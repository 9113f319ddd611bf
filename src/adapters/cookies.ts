/** The value of a cookie that JavaScript may read. `undefined`: there is none, or there are no cookies here. Never throws. */
export function readCookie(name: string): string | undefined {
  let value: string | undefined
  try {
    // Throws without a document, and in a sandboxed frame.
    const found = document.cookie.split('; ').find((pair) => pair.startsWith(`${name}=`))
    value = found?.slice(name.length + 1)
    // Throws for a stray "%".
    return value && decodeURIComponent(value)
  } catch {
    return value
  }
}
