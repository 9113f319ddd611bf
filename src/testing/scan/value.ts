// How a name and its value stand together in the many notations of this world: `name=value`, `"name": "value"`,
// `\"name\":\"value\"`, `name%3Dvalue`, `<name>value</name>`, `"name":"name","value":"value"`, `Name: [Scheme value]`.

/** Between the name and the sign: quotes and brackets that close it, and spaces. */
const CLOSING = /(?:[\\"'`\]\s]|&quot;|&#34;|%(?:25)*2[27]){1,8}/y
const SIGN = /=>|:=|[=:>,]|%(?:25)*3[AaDd]|&gt;/y
/** Between the sign and the value. */
const OPENING = /(?:[\\"'`[(\s]|&quot;|&#34;|%(?:25)*2[27]|%(?:25)*20){1,8}/y
/** `value` as a name of its own, between the name of the thing and the thing. */
const VALUE_NAME = /value(?=[\\"'`\s=:&])/y
/** The scheme of an Authorization header. */
const SCHEME = /(?:bearer|dpop|token)(?:\s|%(?:25)*20|\+){1,4}/iy
const DIRECT = /(?:[\s,]|%(?:25)*20|\+){1,6}["'`]?/y

/**
 * Where the value begins whose name ends at `nameEnd`, or -1 if no value follows.
 *
 * @param directly Whether the value may follow with nothing but spaces between.
 */
export function skipToValue(text: string, nameEnd: number, directly: boolean): number {
  const closed = skip(text, nameEnd, CLOSING)
  const named = skip(text, closed, VALUE_NAME)
  if (named !== closed) return afterSign(text, named, closed)
  const sign = skip(text, closed, SIGN)
  if (sign !== closed) return afterSign(text, closed, closed)
  const direct = directly ? skip(text, nameEnd, DIRECT) : nameEnd
  // What follows may be the next option of a command.
  if (direct !== nameEnd) return text.startsWith('--', direct) ? -1 : direct
  // `localStorage.access_token "…"`: a quoted string after a name is its value.
  return /\s["'`]$/.test(text.slice(nameEnd, closed)) ? closed : -1
}

function afterSign(text: string, from: number, nameEnd: number): number {
  let at = skip(text, from, CLOSING)
  at = skip(text, at, SIGN)
  at = skip(text, at, OPENING)
  const named = skip(text, at, VALUE_NAME)
  if (named !== at && from === nameEnd) return afterSign(text, named, nameEnd)
  return skip(text, at, SCHEME)
}

function skip(text: string, at: number, pattern: RegExp): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

/** Where the value that begins at `start` ends. */
export function readValue(text: string, start: number, isPassword: boolean): number {
  const isLetter = isPassword ? isPasswordLetter : isTokenLetter
  let end = start
  while (end < text.length && end - start < LONGEST) {
    const next = afterLetter(text, end, isLetter)
    if (next === -1) break
    end = next
  }
  // What base64 is padded with ends it: were it allowed within, `a=a=a=` would be read from every `a` to the end.
  if (!isPassword) end = skip(text, end, PADDING)
  // A full stop, and the like, after a value belong to the sentence.
  while (end > start && /[.!]/.test(text.charAt(end - 1))) end--
  return end
}

const LONGEST = 20_000
const ESCAPE = /%(?:25){0,4}([0-9A-Fa-f]{2})/y
const PADDING = /(?:=|%(?:25){0,4}3[Dd]){1,2}/y

/** Where the letter at `at` ends, which may be written as an escape, or -1 if it is none of a value. */
function afterLetter(text: string, at: number, isLetter: (letter: string) => boolean): number {
  const letter = text.charAt(at)
  if (letter !== '%') return isLetter(letter) ? at + 1 : -1
  ESCAPE.lastIndex = at
  const escape = ESCAPE.exec(text)
  return escape && isLetter(String.fromCharCode(parseInt(escape[1] ?? '', 16))) ? ESCAPE.lastIndex : -1
}

/** The letters of a b64token (RFC 6750 section 2.1) before its padding, and `!`, which some servers use. */
const isTokenLetter = (letter: string): boolean => TOKEN_LETTERS.has(letter)
const TOKEN_LETTERS = new Set('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~+/!')

const isPasswordLetter = (letter: string): boolean => /[^\s"'`&<>,;(){}[\]\\%]/.test(letter)
