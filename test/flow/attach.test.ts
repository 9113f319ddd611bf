import { describe, expect, test, vi } from 'vitest'
import { createAttach } from '../../src/flow/attach.ts'
import type { Area, Need } from '../../src/options.ts'

const PAGE = 'https://app.example.com/deep/page'
const need: Need = { resource: 'https://api.example.com/pay', scope: 'pay', once: false }
const listed: readonly Area[] = [
  ['https://api.example.com', 'https://api.example.com/'],
  ['https://api.example.com/pay', 'https://api.example.com/pay/', need],
  ['http://localhost:3000', 'http://localhost:3000/'],
  ['http://plain.example.com', 'http://plain.example.com/'],
]

function attach({
  resources = listed,
  allowHttp = false,
  baseUrl = () => PAGE,
}: { resources?: readonly Area[]; allowHttp?: boolean; baseUrl?: () => string } = {}) {
  return createAttach({ resources, allowHttp }, { baseUrl, origin: () => new URL(PAGE).origin })
}

const API = { origin: 'https://api.example.com', withheld: undefined, need: undefined }

describe('what may carry the token', () => {
  test.each([
    ...['https://api.example.com', 'https://api.example.com/', 'https://api.example.com/orders/7?a=1#b'],
    ...['https://api.example.com?a', 'https://api.example.com#b', 'https://api.example.com/payments'],
    ...[
      'HTTPS://API.example.com/x',
      '//api.example.com/x',
      'https://api.example.com:443/',
      'https://api.example.com/ä',
    ],
    ...[' https://api.example.com/x', 'https:\\\\api.example.com/x', 'https://api.example.com/pay/../x'],
  ])('%j, for it is below a resource', (url) => {
    expect(attach()(url)).toEqual(API)
  })

  test.each([
    ...['https://api.example.com/pay', 'https://api.example.com/pay/', 'https://api.example.com/pay/7'],
    ...['https://api.example.com/pay?a', 'https://api.example.com/pay#b', 'https://api.example.com/x/../pay'],
    ...['https://api.example.com/./pay/7', 'https://API.example.com/pay'],
    ...['https://api.example.com/pa\ty', 'https://api.example.com/pa\ty/https:'],
  ])('%j, for it is below a smaller resource, whose token it gets', (url) => {
    expect(attach()(url)).toEqual({ ...API, need })
  })

  test('a plain request that stays on the machine, or is allowed', () => {
    expect(attach()('http://localhost:3000/x')).toMatchObject({ origin: 'http://localhost:3000', withheld: undefined })
    const destinationOf = attach({ allowHttp: true })
    expect(destinationOf('http://plain.example.com/x')).toMatchObject({ withheld: undefined })
  })

  test('without a list what is of the same origin as the page, and that alone', () => {
    const destinationOf = createAttach(
      { resources: undefined, allowHttp: false },
      { baseUrl: () => PAGE, origin: () => 'https://app.example.com' },
    )
    const own = { origin: 'https://app.example.com', withheld: undefined, need: undefined }
    for (const url of ['/x', 'x', '', 'https://app.example.com/x']) expect(destinationOf(url)).toEqual(own)
    expect(destinationOf('https://api.example.com/')).toMatchObject({ withheld: 'not-a-resource' })
  })
})

describe('what may not', () => {
  test.each([
    ['https://other.example.com/', 'https://other.example.com'],
    ['https://api.example.com.evil.example/', 'https://api.example.com.evil.example'],
    ['https://api.example.com:444/', 'https://api.example.com:444'],
    ['http://api.example.com/', 'http://api.example.com'],
    ['/x', 'https://app.example.com'],
    ['https://', 'null'],
    ['data:text/plain,x', 'null'],
  ])('%j: it is no resource', (url, origin) => {
    expect(attach()(url)).toEqual({ origin, withheld: 'not-a-resource', need: undefined })
  })

  test.each([
    ...['https://api.example.com@evil.example/', 'https://api.example.com:x@evil.example/'],
    ...['https://api.example.com\\@evil.example/pay/../../', 'https://evil.example/https://api.example.com/'],
  ])('%j: it goes elsewhere than it seems to', (url) => {
    expect(attach()(url).origin).toBe(new URL(url).origin)
    if (new URL(url).origin !== API.origin) expect(attach()(url).withheld).toBe('not-a-resource')
  })

  test('a resource that is not encrypted, unless that is allowed', () => {
    expect(attach()('http://plain.example.com/x')).toMatchObject({ withheld: 'insecure' })
  })

  test.each(['https://ann@api.example.com/', 'https://:pw@api.example.com/'])(
    '%j: it has credentials of its own',
    (url) => {
      expect(attach()(url)).toEqual({ ...API, withheld: 'own-credentials' })
    },
  )
})

describe('where one whole origin is all that is listed', () => {
  const destinationOf = attach({ resources: listed.slice(0, 1) })

  test.each([
    ...['https://api.example.com', 'https://api.example.com?a', 'https://api.example.com#b'],
    ...[
      'https://api.example.com/pa\ty/https:',
      'https://api.example.com/../..//evil.example/',
      ' https://api.example.com/x',
    ],
    ...[
      'https://api.example.com/@evil.example/',
      'https://api.example.com/\\evil.example',
      'https:\\\\api.example.com/x',
    ],
    ...['https://api.example.com/x?u=https://ann@evil.example/', 'https://api.example.com/\r\nHost: evil.example'],
  ])('%j goes there', (url) => {
    expect(new URL(url).origin).toBe(API.origin)
    expect(destinationOf(url)).toEqual(API)
  })

  test.each([
    ...[
      'https://api.example.com.evil.example/',
      'https://api.example.com@evil.example/',
      'https://api.example.com:444/',
    ],
    ...[
      'https://api.example.com\t.evil.example/',
      'https://api.example.com\\@evil.example/',
      'http://api.example.com/',
    ],
    ...[
      'https://evil.example/https://api.example.com/',
      'https://api.example.com:@evil.example/',
      'https:/\\evil.example/',
    ],
  ])('%j goes where the platform says, and carries no token to another origin', (url) => {
    const { origin } = new URL(url)
    const isOther = origin !== API.origin
    expect(destinationOf(url)).toEqual({ ...API, origin, withheld: isOther ? 'not-a-resource' : undefined })
  })
})

describe('where something else is listed than one whole encrypted origin, what follows it may lead out of it', () => {
  const alone = (name: string) => attach({ resources: [[name, `${name}/`, need]] })

  test.each([
    ['https://api.example.com/pay', 'https://api.example.com/pay/../x'],
    ['https://api.example.com/to/https://x', 'https://api.example.com/to/https://x/../../../y'],
  ])('%j alone: %j is not in it', (name, url) => {
    expect(alone(name)(`${name}/7`)).toEqual({ ...API, need })
    expect(alone(name)(url)).toEqual({ ...API, withheld: 'not-a-resource' })
  })

  test('a plain origin alone', () => {
    expect(alone('http://plain.example.com')('http://plain.example.com/x').withheld).toBe('insecure')
  })

  test('an origin and a part of it', () => {
    const destinationOf = attach({ resources: listed.slice(0, 2) })
    expect(destinationOf('https://api.example.com/pa\ty')).toEqual({ ...API, need })
  })
})

describe('what surely goes where its text says is not parsed, for that costs as much as all the rest', () => {
  test.each([
    ...['https://api.example.com', 'https://api.example.com/', 'https://api.example.com?a=1'],
    ...['https://api.example.com/orders/7?a=1#b', 'https://api.example.com/pay/7'],
  ])('%j, whatever else is listed', (url) => {
    const baseUrl = vi.fn(() => PAGE)
    expect(attach({ baseUrl })(url)).toMatchObject({ origin: API.origin, withheld: undefined })
    expect(baseUrl).not.toHaveBeenCalled()
  })

  test.each(['https://api.example.com/ä', 'https://api.example.com/../%2e/x', 'https://api.example.com#\\'])(
    '%j, where all of its origin is all that is listed',
    (url) => {
      const baseUrl = vi.fn(() => PAGE)
      expect(attach({ resources: listed.slice(0, 1), baseUrl })(url)).toEqual(API)
      expect(baseUrl).not.toHaveBeenCalled()
    },
  )
})

describe('when the resource is named', () => {
  test('only what is below that one counts', () => {
    const destinationOf = attach()
    expect(destinationOf('https://api.example.com/pay/7', 'https://api.example.com')).toEqual(API)
    expect(destinationOf('https://api.example.com/pay/7', 'https://api.example.com/pay')).toEqual({ ...API, need })
    expect(destinationOf('https://api.example.com/x', 'https://api.example.com/pay')).toEqual({
      ...API,
      withheld: 'not-a-resource',
    })
  })
})
