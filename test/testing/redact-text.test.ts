import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTextRedactor } from '../../src/testing/redact/text.ts'

const secret = 'Zq8+tok/en=="\'\\é&<7'
const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSIsImp0aSI6ImFiYyJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ'

function redactorOf(...values: string[]): { redact(text: string): string; templates: string[] } {
  const templates: string[] = []
  const known = values.map((value, index) => ({ value, id: `access_p1_${index + 1}` }))
  const redactor = createTextRedactor(known, {
    encoded(template, encoding) {
      templates.push(`${encoding} ${template}`)
      return `encoded_p1_${templates.length}`
    },
  })
  return { redact: redactor.redact, templates }
}

const hex = (text: string): string => Buffer.from(text).toString('hex')
const percentAll = (text: string): string => hex(text).replaceAll(/../g, '%$&')
const unicodeAll = (text: string): string =>
  Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')
const html = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')
const json = (text: string): string => JSON.stringify(text).slice(1, -1)

/** How a secret may be spelled. */
const spellings: Record<string, (text: string) => string> = {
  plain: (text) => text,
  'percent-encoded': encodeURIComponent,
  'percent-encoded in small letters': (text) =>
    encodeURIComponent(text).replaceAll(/%../g, (escape) => escape.toLowerCase()),
  'percent-encoded as a form does': (text) => new URLSearchParams({ a: text }).toString().slice(2),
  'percent-encoded to the last letter': percentAll,
  'percent-encoded here and there': (text) => encodeURIComponent(text).replaceAll('e', '%65'),
  'percent-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'JSON-escaped': json,
  'JSON-escaped with slashes': (text) => json(text).replaceAll('/', '\\/'),
  'JSON-escaped to the last letter': unicodeAll,
  'JSON in JSON': (text) => json(json(text)),
  'percent-encoded in JSON': (text) => json(encodeURIComponent(text)),
  'JSON, percent-encoded': (text) => encodeURIComponent(json(text)),
  'HTML-escaped': html,
  'JSON in HTML': (text) => html(json(text)),
}

describe('a secret is found however it is spelled', () => {
  test.each(Object.entries(spellings))('%s', (_, spell) => {
    const { redact } = redactorOf(secret, jwt)
    for (const value of [secret, jwt]) {
      const id = value === secret ? 'access_p1_1' : 'access_p1_2'
      expect(redact(`before ${spell(value)} after`)).toBe(`before {{${id}}} after`)
      expect(redact(spell(value))).toBe(`{{${id}}}`)
      expect(redact(`x${spell(value)}${spell(value)}`)).toBe(`x{{${id}}}{{${id}}}`)
    }
  })

  test.each([0, 1, 2, 3, 4, 5])('in base64, %i bytes after its beginning', (skip) => {
    for (const encoding of ['base64', 'base64url'] as const) {
      for (const value of [secret, jwt, `${secret} and more`]) {
        const { redact, templates } = redactorOf(value)
        const before = 'abcdef'.slice(0, skip)
        const text = Buffer.from(`${before}${value} and the rest`).toString(encoding)
        const redacted = redact(`x-data: ${text}.`)
        expect(redacted).toBe('x-data: {{encoded_p1_1}}.')
        expect(templates[0]).toContain(`${before}{{access_p1_1}}`)
      }
    }
  })

  test('in base64, between bytes that are no text, where nothing can be said of them', () => {
    const { redact } = redactorOf(secret)
    const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(secret), Buffer.from([0xff, 0x80, 0xff, 0x80])])
    const redacted = redact(bytes.toString('base64'))
    expect(redacted).toContain('{{access_p1_1}}')
    expect(Buffer.from(redacted.replaceAll(/\{\{.*?\}\}/g, ''), 'base64').toString('latin1')).not.toMatch(/tok|en==/)
  })

  test('in hex', () => {
    const { redact, templates } = redactorOf(secret)
    expect(redact(`0x${hex(secret)}00`)).toBe('0x{{encoded_p1_1}}00')
    expect(redact(hex(secret).toUpperCase())).toBe('{{encoded_p1_2}}')
    expect(templates[0]).toBe('hex {{access_p1_1}}')
  })

  test('in base64 that is percent-encoded, and in JSON in base64', () => {
    const { redact, templates } = redactorOf(secret)
    const basic = Buffer.from(`user:${secret}`).toString('base64')
    expect(redact(`?auth=${encodeURIComponent(basic)}&x=1`)).toBe('?auth={{encoded_p1_1}}&x=1')
    const inner = Buffer.from(JSON.stringify({ token: secret })).toString('base64url')
    expect(redact(`state=${inner}`)).toBe('state={{encoded_p1_2}}')
    expect(templates).toEqual([
      'base64 user:{{access_p1_1}}',
      expect.stringMatching(/^base64(url)? \{"token":"\{\{access_p1_1\}\}"\}$/),
    ])
  })

  test('the parts of a JWT by themselves are the business of the vault, and the whole goes first', () => {
    const { redact } = redactorOf(jwt, jwt.split('.')[1] ?? '')
    expect(redact(`${jwt} ${jwt.split('.')[1] ?? ''}`)).toBe('{{access_p1_1}} {{access_p1_2}}')
  })
})

describe('what is no secret stays as it was', () => {
  test('a short secret is replaced only where it is a value of its own', () => {
    const { redact, templates } = redactorOf('demo')
    const text = '{"password":"demo","email":"demo@example.com","demographic":1,"a":["demo"]}'
    expect(redact(text)).toBe(
      '{"password":"{{access_p1_1}}","email":"demo@example.com","demographic":1,"a":["{{access_p1_1}}"]}',
    )
    expect(redact('password=demo&user=demo%40example.com')).toBe('password={{access_p1_1}}&user=demo%40example.com')
    expect(redact('q=%22demo%22')).toBe('q=%22{{access_p1_1}}%22')
    const basic = Buffer.from('demo@example.com:demo').toString('base64')
    expect(redact(`Basic ${basic}`)).toBe('Basic {{encoded_p1_1}}')
    expect(templates).toEqual(['base64 demo@example.com:{{access_p1_1}}'])
    const other = Buffer.from('a democracy').toString('base64')
    expect(redact(other)).toBe(other)
  })

  test('the name of a placeholder may be a secret', () => {
    const { redact } = redactorOf('access_p1_1', 'password')
    expect(redact('access_p1_1 password')).toBe('{{access_p1_1}} {{access_p1_2}}')
    expect(redact('{{password_p1_1}} {{access_p1_1}}')).toBe('{{password_p1_1}} {{access_p1_1}}')
  })

  test('a text without a secret is the same, whatever escapes are in it', () => {
    const { redact } = redactorOf(secret, jwt, '1234')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!text.includes('1234'))
        expect(redact(`${text} %zz \\q &nope; %C3 ${json(text)}`)).toBe(`${text} %zz \\q &nope; %C3 ${json(text)}`)
      }),
    )
  })
})

test('no secret survives in any place and any spelling', () => {
  const value = fc.oneof(
    fc.string({
      minLength: 8,
      maxLength: 60,
      unit: fc.constantFrom(...Array.from('abcXYZ0189-._~+/="\\\'%&<>{}é€😀 \n')),
    }),
    fc.string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' }),
    fc.uint8Array({ minLength: 12, maxLength: 48 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  )
  const spelling = fc.constantFrom(...Object.values(spellings), (text: string) => Buffer.from(text).toString('base64'))
  const around = fc.string({ maxLength: 12, unit: fc.constantFrom(...Array.from('abc "\\:=&?/{}[],')) })
  fc.assert(
    fc.property(
      fc.uniqueArray(value, { minLength: 1, maxLength: 3 }),
      fc.array(fc.tuple(around, fc.nat(2), spelling), { minLength: 1, maxLength: 6 }),
      (values, pieces) => {
        const { redact } = redactorOf(...values)
        const text = pieces
          .map(([before, at, spell]) => `${before}|${spell(values[at % values.length] ?? '')}|`)
          .join('')
        const redacted = redact(text).replaceAll(/\{\{\w+\}\}/g, '\u0000')
        for (const hidden of values) {
          for (const spell of Object.values(spellings)) expect(redacted).not.toContain(spell(hidden))
        }
        expect(redact(redacted)).toBe(redacted)
      },
    ),
    { numRuns: 300 },
  )
})
