import { fillBox } from '../adapters/box.ts'
import { TokenError } from '../errors.ts'
import { ownMembers } from '../lib/own.ts'
import type { Binding, SourceContext, TokenSource, UsersPart } from '../ports.ts'
import { type AuthorizationRequest, prepare } from './authorization.ts'
import { type Callback, codeIn, parseCallback, refused } from './callback.ts'
import { arrive, arrivedFor, forget, once, taken } from './exchange-once.ts'
import { createGrants } from './grants.ts'
import { createLoops } from './loops.ts'
import { createMetadata, endpointOf } from './metadata.ts'
import { type OAuthLogin, type OAuthSourceOptions, parseOAuthOptions } from './options.ts'
import { answerOf, pause, type PopupMessage } from './popup.ts'
import { loadProtocol } from './protocol.ts'
import { takesTokensOf } from './resource-metadata.ts'
import type { LoginPage, Setup } from './setup.ts'
import { createTransactions, type Transaction } from './transactions.ts'

/** What `login` is given: by the application, or by a popup, whose login never left this page. */
interface Answered extends OAuthLogin {
  readonly transaction?: Transaction
}

/** How long it may take until the page is left. */
const LEAVING_MS = 30_000
/** For a message that has to be on its way before its window closes, and for whoever takes a popup over in this very task. */
const MOMENT_MS = 100

export function createOAuthSource(
  given: OAuthSourceOptions,
  page: LoginPage,
  loadBinding: () => Binding,
): TokenSource<OAuthLogin> {
  const options = parseOAuthOptions(given)
  const { issuer, clientId, redirectUri, postLogoutRedirectUri, server, dpop } = options
  const id = `${issuer} ${clientId}`
  const tag = toTag(id)
  const channel = `oauth ${id}`
  const binding = dpop === true ? loadBinding() : dpop
  const metadata = createMetadata(options)
  const transactions = createTransactions(channel, page)
  const loops = createLoops(page, tag)
  const setup: Setup = { options, tag, metadata, binding }
  const grants = createGrants(setup)
  const ended = `ended ${tag}`

  function leave({ url }: AuthorizationRequest): UsersPart {
    return (signal) =>
      new Promise((_, reject) => {
        const cancel = page.timer(() => end(new TokenError('timeout', 'the page could not be left')), LEAVING_MS)
        const stop = page.onReturn(() => end(new TokenError('aborted', 'the user came back without an answer')))
        const abort = (): void => end(signal.reason)
        function end(reason: unknown): void {
          cancel()
          stop()
          signal.removeEventListener('abort', abort)
          reject(reason)
        }
        signal.addEventListener('abort', abort)
        if (signal.aborted) abort()
        else page.leave(url)
      })
  }

  /** In the popup: gives the answer to the page that has opened it, and closes. */
  async function handOver({ state }: Callback, href: string): Promise<never> {
    const box = await fillBox(state.slice(tag.length + 2), href).catch(() => undefined)
    if (!box) throw unknown()
    const message: PopupMessage = { state, box }
    const opened = page.openChannel(channel, () => {})
    opened.post(message)
    await pause(page.timer, MOMENT_MS)
    opened.close()
    page.close()
    throw taken()
  }

  async function finish(
    callback: Callback,
    href: string,
    began: Transaction | undefined,
    context: SourceContext,
  ): Promise<Awaited<ReturnType<typeof grants.exchange>>> {
    const { state } = callback
    if (!began && state.startsWith(`p${tag}.`)) return handOver(callback, href)
    // First, so that a failing network costs no login.
    const [found, protocol] = await Promise.all([metadata.load(context), loadProtocol()])
    const transaction = began ?? (await transactions.take(state, context.now()))
    if (!transaction) throw unknown()
    if (transaction === 'taken') throw taken()
    if (transaction.returnTo !== undefined) page.replaceUrl(transaction.returnTo)
    try {
      const code = codeIn(callback, found, clientId, protocol)
      const response = await grants.exchange(code, transaction, protocol, context)
      loops.succeeded()
      return response
    } catch (error) {
      if (transaction.key !== undefined) void binding?.forget(transaction.key).catch(() => {})
      throw error
    }
  }

  return {
    id,
    credential: 'token',
    ...(binding && { binding }),

    async authorize(input, context) {
      const login: OAuthLogin = ownMembers(input)
      if (login.callbackUrl !== undefined) return async () => login
      if (page.url() === undefined) throw new TokenError('unsupported', 'a login needs a page')
      const byPopup = login.display === 'popup'
      // At once, while the browser still sees the click that led here.
      const popup = byPopup ? page.open() : undefined
      if (byPopup && !popup) throw new TokenError('unsupported', 'the browser has blocked the window of the login')
      try {
        const count = popup ? undefined : loops.begin(context.now())
        const [found, protocol] = await Promise.all([metadata.load(context), loadProtocol()])
        const request = await prepare(setup, found, protocol, login, context)
        const { url, state, transaction, box } = request
        if (!popup || !box) {
          await transactions.save(state, transaction)
          count?.()
          return leave(request)
        }
        if (context.signal.aborted) throw context.signal.reason
        popup.go(url)
        // Whoever asked for it may have stopped waiting, and then never takes over.
        const keep = page.timer(() => popup.close(), MOMENT_MS)
        return async (signal) => {
          keep()
          const isAnswer = (href: string): boolean => parseCallback(href, redirectUri)?.state === state
          const callbackUrl = await answerOf(popup, { page, state, box, channel, signal, isAnswer })
          return { callbackUrl, transaction } satisfies Answered
        }
      } catch (error) {
        popup?.close()
        throw error
      }
    },

    returned() {
      const href = page.url()
      if (href === undefined) return undefined
      const callback = parseCallback(href, redirectUri)
      const whose = callback && /^[rp](\w{7})\./.exec(callback.state)?.[1]
      if (callback && (whose ?? tag) === tag) {
        page.replaceUrl(callback.cleanUrl)
        arrive(id, href, page.timer)
      } else cleanAfterLogout(href)
      const callbackUrl = arrivedFor(id)
      return callbackUrl === undefined ? undefined : { callbackUrl }
    },

    async login(input, context) {
      const { callbackUrl: href, transaction } = ownMembers<Answered>(input)
      const callback = href === undefined ? undefined : parseCallback(href, redirectUri)
      if (href === undefined || !callback) throw refused('is not in this URL')
      if (page.url() === href) page.replaceUrl(callback.cleanUrl)
      if (callback.state === '') throw refused('has no state, or more than one')
      try {
        return await once(`${id} ${callback.state}`, () => finish(callback, href, transaction, context))
      } finally {
        forget(id, href)
      }
    },

    refresh: grants.refresh,
    serves: (challenged, context) => takesTokensOf(issuer, challenged, [options.resource ?? []].flat(), context),
    ...((!server || server.revocation_endpoint !== undefined) && { revoke: grants.revoke }),

    endSessionUrl() {
      const found = metadata.known()
      if (found?.end_session_endpoint === undefined) return undefined
      const url = endpointOf(found, 'end_session_endpoint')
      const hint = grants.idToken()
      if (hint !== undefined) url.searchParams.set('id_token_hint', hint)
      url.searchParams.set('client_id', clientId)
      if (postLogoutRedirectUri !== undefined) {
        url.searchParams.set('post_logout_redirect_uri', postLogoutRedirectUri)
        url.searchParams.set('state', page.note(ended, page.random()))
      }
      return url.href
    },
  }

  /** Back from a logout at the authorization server: its `state` says nothing to anybody. */
  function cleanAfterLogout(href: string): void {
    const state = page.note(ended)
    const url = new URL(href)
    if (!state || url.searchParams.get('state') !== state) return
    page.note(ended, '')
    url.searchParams.delete('state')
    page.replaceUrl(url.href)
  }
}

function unknown(): TokenError {
  return refused('belongs to no login that was begun here, or to one of long ago')
}

/** Seven letters and digits: FNV-1a, for short. */
function toTag(id: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193)
  return (hash >>> 0).toString(36).padStart(7, '0')
}
