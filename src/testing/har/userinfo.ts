import { toBase64, toBytes } from '../redact/base64.ts'

/** A URL without the name and password in it, and the header that they are sent as. */
export interface Bared {
  readonly url: string
  readonly authorization: string | undefined
}

/** Takes `user:password@` out of a URL, as every client does that accepts it there. */
export function takeUserinfo(url: string): Bared {
  if (!/^[a-z][a-z\d+.-]*:\/\/[^/?#]*@/i.test(url) || !URL.canParse(url)) return { url, authorization: undefined }
  const bare = new URL(url)
  const { username, password } = bare
  bare.username = ''
  bare.password = ''
  return { url: bare.href, authorization: basicOf(plain(username), plain(password)) }
}

/** @see [RFC 7617](https://www.rfc-editor.org/rfc/rfc7617.html) */
export function basicOf(username: string, password: string): string {
  return `Basic ${toBase64(toBytes(`${username}:${password}`))}`
}

function plain(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
