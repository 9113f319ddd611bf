/**
 * `text` without what a terminal, or a parser of XML, takes for more than a letter: controls, marks that turn the direction
 * of writing, halves of surrogate pairs. File names and logs may hold any of it.
 *
 * @param allowed Controls that may stay.
 */
export function printable(text: string, allowed = ''): string {
  return Array.from(text, (letter) =>
    allowed.includes(letter) || !isControl(letter.codePointAt(0) ?? 0) ? letter : '?',
  ).join('')
}

function isControl(code: number): boolean {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true
  if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)) return true
  return (code >= 0xd800 && code <= 0xdfff) || code === 0xfffe || code === 0xffff
}

/** Text for XML 1.0: control characters are not allowed in it, in no way of writing. */
export const xmlText = (text: string): string =>
  printable(text, '\t\n')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
