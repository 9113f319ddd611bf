const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** What an entity of XML or HTML stands for, by what is between `&` and `;`. `undefined`: it is none that text needs. */
export function entityOf(name: string): string | undefined {
  const plain = name.toLowerCase()
  if (!plain.startsWith('#')) return Object.hasOwn(NAMED, plain) ? NAMED[plain] : undefined
  const [, hex, decimal] = /^#(?:x([\da-f]{1,6})|(\d{1,7}))$/.exec(plain) ?? []
  const code = hex === undefined ? Number(decimal) : parseInt(hex, 16)
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined
}
