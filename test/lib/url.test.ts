import { describe, expect, test } from 'vitest'
import { isSecure, parseUrl } from '../../src/lib/url.ts'

describe('where a credential may travel', () => {
  test.each([
    ...['https://api.example.com', 'http://localhost:8080', 'http://app.dev.localhost', 'http://127.0.0.1'],
    ...['http://127.255.255.254', 'http://[::1]:3000', 'http://127.1'],
  ])('to %s, for it is encrypted or stays on the machine', (url) => {
    expect(isSecure(new URL(url))).toBe(true)
    expect(isSecure(new URL(url), { allowHttp: false })).toBe(true)
  })

  test.each([
    ...['http://api.example.com', 'http://localhost.example.com', 'http://notlocalhost', 'http://1270.0.0.1.example'],
    ...[
      'http://x127.0.0.1.nip.io',
      'http://[::2]',
      'http://128.0.0.1',
      'http://https.example',
      'http://a.notlocalhost',
    ],
  ])('to %s only if that is allowed', (url) => {
    expect(isSecure(new URL(url))).toBe(false)
    expect(isSecure(new URL(url), { allowHttp: false })).toBe(false)
    expect(isSecure(new URL(url), { allowHttp: true })).toBe(true)
  })

  test.each([
    'xhttp://localhost',
    'ws://api.example.com',
    'ftp://localhost',
    'file:///127.0.0.1',
    'xhttps://api.example.com',
  ])('never to %s', (url) => {
    expect(isSecure(new URL(url))).toBe(false)
    expect(isSecure(new URL(url), { allowHttp: true })).toBe(false)
  })
})

test('a text is a URL, by itself or below a base, or nothing', () => {
  expect(parseUrl('https://api.example.com/a')?.href).toBe('https://api.example.com/a')
  expect(parseUrl('/a', 'https://api.example.com')?.href).toBe('https://api.example.com/a')
  expect(parseUrl('/a')).toBeUndefined()
})
