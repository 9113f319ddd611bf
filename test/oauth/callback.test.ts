import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type AuthorizationServerDesk,
  begin,
  CALLBACK,
  createPage,
  createScene,
  failureOf,
  NOW,
  type PageDesk,
  remember,
  type Scene,
  startDesk,
} from './desk.ts'
import { vectorsOf } from './vectors.ts'

interface Case {
  readonly name: string
  readonly source: string
  readonly url: string
  readonly state: string | null
  readonly issSupported: boolean
  readonly expect: {
    readonly code?: string
    readonly error?: string
    readonly reject?: string
    readonly replaceStateUrl?: string
  }
}
const { ctx, cases } = vectorsOf<{ readonly ctx: { readonly issuer: string }; readonly cases: readonly Case[] }>(
  'authorizationResponse',
)

let desk: AuthorizationServerDesk
beforeAll(async () => {
  desk = await startDesk()
})
afterAll(() => desk.close())
beforeEach(() => {
  desk.seen.length = 0
  desk.answers = { '/token': [{ body: { access_token: 'at', token_type: 'Bearer', refresh_token: 'rt' } }] }
})

/** What comes of a page at `url`: the answer is taken out of it, and used. */
async function arrive({ source, page, context }: Scene, url: string): Promise<unknown> {
  page.href = url
  const answer = source.returned() as { readonly callbackUrl: string } | undefined
  return source.login(answer ?? { callbackUrl: url }, context)
}

describe('the answers of the vectors', () => {
  const codes: Readonly<Record<string, string>> = { access_denied: 'login_failed', server_error: 'refresh_unavailable' }

  test.each(cases)(
    '$name ($source)',
    async ({ url, state, issSupported, expect: { code, error, reject, replaceStateUrl } }) => {
      const { origin, pathname } = new URL(url)
      const redirectUri = origin + pathname
      const server = {
        issuer: ctx.issuer,
        authorization_endpoint: `${desk.url}/authorize`,
        token_endpoint: `${desk.url}/token`,
        authorization_response_iss_parameter_supported: issSupported,
      }
      const scene = createScene(desk.url, { server, redirectUri })
      if (state !== null) remember(scene, state, { redirectUri })
      const work = arrive(scene, url)
      if (code !== undefined) {
        expect(await work).toMatchObject({ access_token: 'at' })
        expect(desk.seen.map(({ form }) => [form.get('code'), form.get('redirect_uri')])).toEqual([[code, redirectUri]])
      } else {
        const failure = await failureOf(work)
        expect(failure.code).toBe(codes[error ?? ''] ?? 'login_failed')
        expect(failure.message.includes(error ?? 'the answer of the authorization server')).toBe(true)
        expect(desk.seen).toEqual([])
        expect(reject ?? error).toBeDefined()
      }
      // A page that got no state at all is not known to be an answer: it is refused where it is given as one.
      const isAnswer = new URL(url).href.includes('state=')
      expect(scene.page.href).toBe(replaceStateUrl ?? (isAnswer ? redirectUri : url))
    },
  )
})

describe('P-13: an error of the authorization server', () => {
  test.each([
    ['access_denied', 'login_failed', false],
    ['login_required', 'insufficient_authentication', false],
    ['interaction_required', 'insufficient_authentication', false],
    ['consent_required', 'insufficient_authentication', false],
    ['account_selection_required', 'insufficient_authentication', false],
    ['unmet_authentication_requirements', 'insufficient_authentication', false],
    ['invalid_request', 'configuration', false],
    ['unauthorized_client', 'configuration', false],
    ['unsupported_response_type', 'configuration', false],
    ['invalid_scope', 'configuration', false],
    ['invalid_target', 'configuration', false],
    ['invalid_request_uri', 'configuration', false],
    ['request_not_supported', 'configuration', false],
    ['server_error', 'refresh_unavailable', true],
    ['temporarily_unavailable', 'refresh_unavailable', true],
    ['whatever_else', 'login_failed', false],
    ['Bearer eyJhbGciOiJIUzI1NiJ9', 'login_failed', false],
  ])('%s is %s', async (error, code, transient) => {
    const scene = createScene(desk.url)
    const state = (await begin(scene)).get('state') ?? ''
    const failure = await failureOf(arrive(scene, `${CALLBACK}?${String(new URLSearchParams({ error, state }))}`))
    expect(failure).toMatchObject({ code, transient })
    expect(failure.message).not.toContain('eyJ')
    expect(desk.seen).toEqual([])
  })
})

describe('P-6: a parameter that comes twice', () => {
  test.each(['code', 'iss', 'error', 'error_description', 'session_state'])('%s', async (name) => {
    const scene = createScene(desk.url)
    const state = (await begin(scene)).get('state') ?? ''
    const failure = await failureOf(arrive(scene, `${CALLBACK}?code=c&state=${state}&${name}=a&${name}=b`))
    expect(failure.code).toBe('login_failed')
    expect(desk.seen).toEqual([])
  })

  test('one that is unknown, or empty, is nobody’s business', async () => {
    const scene = createScene(desk.url)
    const state = (await begin(scene)).get('state') ?? ''
    const url = `${CALLBACK}?code=c&state=${state}&foo=1&foo=2&iss=&error=`
    expect(await arrive(scene, url)).toMatchObject({ access_token: 'at' })
    expect(scene.page.href).toBe(`${CALLBACK}?foo=1&foo=2`)
  })
})

test.each(['?', '#'])('F149: an error in the answer, after a %s, is a login that failed', async (place) => {
  const scene = createScene(desk.url)
  const state = (await begin(scene)).get('state') ?? ''
  const answer = `error=access_denied&state=${state}&iss=${encodeURIComponent(desk.url)}`
  expect((await failureOf(arrive(scene, CALLBACK + place + answer))).code).toBe('login_failed')
  expect(scene.page.href).toBe(CALLBACK)
  expect(desk.seen).toEqual([])
})

describe('P-10: tokens in an answer', () => {
  test.each([
    '#access_token=abc&token_type=bearer&state=STATE',
    '#id_token=abc&state=STATE',
    '#code=c&id_token=abc&state=STATE',
    '?code=c&state=STATE&access_token=abc',
    '?code=c&state=STATE&id_token=abc',
    '?response=eyJ.eyJ.x&state=STATE',
  ])('%s', async (answer) => {
    const scene = createScene(desk.url)
    const state = (await begin(scene)).get('state') ?? ''
    const failure = await failureOf(arrive(scene, CALLBACK + answer.replace('STATE', state)))
    expect(failure.code).toBe('login_failed')
    expect(scene.page.href).toBe(CALLBACK)
    expect(desk.seen).toEqual([])
  })
})

describe('a page that is no answer is left alone', () => {
  test.each([
    'https://app.example.com/?code=c&state=s',
    'https://app.example.com/callback/?code=c&state=s',
    'https://other.example.com/callback?code=c&state=s',
    `${CALLBACK}?code=SUMMER`,
    `${CALLBACK}?state=open`,
    `${CALLBACK}?error=404`,
    `${CALLBACK}#state=open`,
  ])('%s', (href) => {
    const { source, page } = createScene(desk.url, {}, createPage(href))
    expect(source.returned()).toBeUndefined()
    expect(page.href).toBe(href)
  })

  test('so is the answer to another source of the same page', async () => {
    const page = createPage(CALLBACK)
    const [one, other] = ['shop', 'admin'].map((clientId) => createScene(desk.url, { clientId }, page)) as [
      Scene,
      Scene,
    ]
    const state = (await begin(one)).get('state') ?? ''
    page.href = `${CALLBACK}?code=c&state=${state}`
    expect(other.source.returned()).toBeUndefined()
    expect(await arrive(one, page.href)).toMatchObject({ access_token: 'at' })
    expect(page.href).toBe(CALLBACK)
  })
})

describe('P-5, T-17: an answer is used once', () => {
  async function answer(scene: Scene): Promise<string> {
    return `${CALLBACK}?code=c&state=${(await begin(scene)).get('state')}`
  }

  test('F143: of two calls with one URL the later one gets the tokens, and the code is exchanged once', async () => {
    const scene = createScene(desk.url)
    const callbackUrl = await answer(scene)
    const [first, second] = [1, 2].map(() => scene.source.login({ callbackUrl }, scene.context)) as [
      Promise<unknown>,
      Promise<unknown>,
    ]
    expect((await failureOf(first)).code).toBe('session_changed')
    expect(await second).toMatchObject({ access_token: 'at' })
    expect(desk.seen).toHaveLength(1)
  })

  test('F143: so it is with two sources of one client in one page, whose URL the first has cleaned', async () => {
    const page = createPage(CALLBACK)
    const [one, other] = [1, 2].map(() => createScene(desk.url, {}, page)) as [Scene, Scene]
    page.href = await answer(one)
    const [first, second] = [one, other].map(({ source, context }) =>
      source.login(source.returned() as { callbackUrl: string }, context),
    ) as [Promise<unknown>, Promise<unknown>]
    expect(page.href).toBe(CALLBACK)
    expect((await failureOf(first)).code).toBe('session_changed')
    expect(await second).toMatchObject({ access_token: 'at' })
    expect(desk.seen).toHaveLength(1)
    expect(other.source.returned()).toBeUndefined()
  })

  test('in two tabs at the same URL one exchanges the code, and the other knows', async () => {
    const stored = new Map<string, unknown>()
    const [one, other] = [1, 2].map(() => createScene(desk.url, {}, createPage(CALLBACK, stored))) as [Scene, Scene]
    const callbackUrl = await answer(one)
    expect(await one.source.login({ callbackUrl }, one.context)).toMatchObject({ access_token: 'at' })
    expect((await failureOf(other.source.login({ callbackUrl }, other.context))).code).toBe('session_changed')
    expect(desk.seen).toHaveLength(1)
  })

  test('by a page, too, that was frozen while it looked whose login it is', async () => {
    const stored = new Map<string, unknown>()
    const callbackUrl = await answer(createScene(desk.url, {}, createPage(CALLBACK, stored)))
    const page = createPage(CALLBACK, stored)
    const { timer, records } = page
    let wall = NOW
    // Its timer is over before IndexedDB has answered; by then a minute has passed.
    const frozen: Partial<PageDesk> = {
      clock: { now: () => ({ wall, monotonic: 0 }) },
      timer(task, delayMs) {
        const isFirst = wall === NOW
        wall = NOW + 60_000
        return timer(task, isFirst ? 0 : delayMs)
      },
      records: (...call) => new Promise((resolve) => void timer(() => resolve(records(...call)), 20)),
    }
    const { source, context } = createScene(desk.url, {}, Object.assign(page, frozen))
    expect(await source.login({ callbackUrl }, context)).toMatchObject({ access_token: 'at' })
  })

  test('a state that was used is never used again, whatever came of it', async () => {
    const scene = createScene(desk.url)
    const callbackUrl = await answer(scene)
    desk.answers['/token'] = [{ broken: true }]
    await expect(scene.source.login({ callbackUrl }, scene.context)).rejects.toThrow()
    const asked = desk.seen.length
    expect((await failureOf(scene.source.login({ callbackUrl }, scene.context))).code).toBe('session_changed')
    expect(desk.seen).toHaveLength(asked)
  })

  test('F145: a login of more than an hour ago is over, and so is one that twenty have followed', async () => {
    const old = createScene(desk.url)
    remember(old, 'old', { at: NOW - 3_600_001 })
    expect((await failureOf(arrive(old, `${CALLBACK}?code=c&state=old`))).code).toBe('login_failed')
    const many = createScene(desk.url)
    const first = await answer(many)
    for (let count = 0; count < 20; count++) {
      many.page.notes.clear()
      Object.assign(many.context, { now: () => NOW + count + 1 })
      await begin(many)
    }
    expect((await failureOf(arrive(many, first))).code).toBe('login_failed')
    expect(desk.seen).toEqual([])
  })

  test('F145: a clock that was set back meanwhile, by less than that, ends none', async () => {
    const scene = createScene(desk.url)
    const callbackUrl = await answer(scene)
    Object.assign(scene.context, { now: () => NOW - 60_000 })
    expect(await scene.source.login({ callbackUrl }, scene.context)).toMatchObject({ access_token: 'at' })
  })

  test('of a server that cannot be reached a login is not used up', async () => {
    const issuer = desk.url
    const scene = createScene(desk.url, { issuer })
    const metadata = { issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` }
    desk.answers['/.well-known/oauth-authorization-server'] = [{ body: metadata }]
    const callbackUrl = await answer(scene)
    desk.answers = { ...desk.answers, '/.well-known/oauth-authorization-server': [{ status: 503 }] }
    const later = createScene(desk.url, { issuer }, createPage(CALLBACK, scene.page.stored))
    expect((await failureOf(later.source.login({ callbackUrl }, later.context))).transient).toBe(true)
    desk.answers['/.well-known/oauth-authorization-server'] = [{ body: metadata }]
    expect(await later.source.login({ callbackUrl }, later.context)).toMatchObject({ access_token: 'at' })
  })
})

test('what is stored by somebody else, or by another version, is no login, and does no harm', async () => {
  for (const stored of [
    null,
    7,
    'x',
    [],
    { version: 2, logins: { s: { at: NOW } } },
    { version: 1 },
    { version: 1, logins: 3 },
  ]) {
    const scene = createScene(desk.url)
    scene.page.stored.set(`oauth ${scene.source.id}`, stored)
    for (const state of ['s', '__proto__', 'constructor']) {
      expect((await failureOf(arrive(scene, `${CALLBACK}?code=c&state=${state}`))).code).toBe('login_failed')
    }
    expect(await arrive(scene, `${CALLBACK}?code=c&state=${(await begin(scene)).get('state')}`)).toBeDefined()
  }
})

describe('L-1: the way to end the session at the provider', () => {
  const postLogoutRedirectUri = 'https://app.example.com/bye'

  test('names the client, the way back, and a state that the page takes out of its URL again', () => {
    const { source, page, context } = createScene(desk.url, { postLogoutRedirectUri })
    // Nobody was signed in by this page: there is no ID token to name.
    const url = new URL(source.endSessionUrl(context) ?? '')
    expect(url.origin + url.pathname).toBe(`${desk.url}/end`)
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'shop',
      post_logout_redirect_uri: postLogoutRedirectUri,
      state: 'random-1',
    })
    page.href = `${postLogoutRedirectUri}?a=1&state=random-1#b`
    expect(source.returned()).toBeUndefined()
    expect(page.href).toBe(`${postLogoutRedirectUri}?a=1#b`)
    page.href = `${postLogoutRedirectUri}?state=random-1`
    expect(source.returned()).toBeUndefined()
    expect(page.href).toBe(`${postLogoutRedirectUri}?state=random-1`)
  })

  test('is none where the server names none', () => {
    const server = { issuer: desk.url, end_session_endpoint: undefined as never }
    const { source, context } = createScene(desk.url, { server })
    expect(source.endSessionUrl(context)).toBeUndefined()
    expect(createScene(desk.url, { issuer: desk.url }).source.endSessionUrl(context)).toBeUndefined()
  })
})
