import { toBase64url } from '../lib/base64url.ts'

/** The page, as a login needs it that leaves it, or opens a window beside it. Nothing here exists on a server. */
export interface Page {
  /** `undefined`: there is no page. */
  url(): string | undefined
  /** Another URL in the same entry of the history: whoever goes back does not find the old one. */
  replaceUrl(url: string): void
  leave(url: string): void
  /** Calls `listener` when the page is shown again that was left. Returns what stops it. */
  onReturn(listener: () => void): () => void
  /** Opens an empty window. `undefined`: the browser does not let us. */
  open(): Popup | undefined
  /** Closes this window, if it was opened by a script. */
  close(): void
  /** Whether the user is at this window. */
  hasFocus(): boolean
  /** Keeps a short text, no secret, as long as this tab is there; reads it without `text`. `''`: there is none. */
  note(key: string, text?: string): string
  /** Nobody can guess it. */
  random(): string
}

/** Another window. A page with `Cross-Origin-Opener-Policy` in it cuts it off: then it looks as if it were closed. */
export interface Popup {
  /** `undefined`: it is at another origin. */
  url(): string | undefined
  isClosed(): boolean
  go(url: string): void
  close(): void
}

/** Any of it may be missing: a worker has no document, Node has no location. */
const here = globalThis as Partial<typeof window>

export const page: Page = {
  url: () => here.location?.href,
  replaceUrl: (url) => here.history?.replaceState(here.history.state, '', url),
  leave: (url) => here.location?.assign(url),
  onReturn(listener) {
    const listening = new AbortController()
    const hear = ({ persisted }: PageTransitionEvent): void => {
      if (persisted) listener()
    }
    here.addEventListener?.('pageshow', hear, { signal: listening.signal })
    return () => listening.abort()
  },
  open() {
    const opened = here.open?.('', '_blank', 'popup,width=500,height=700')
    return opened ? popupOf(opened) : undefined
  },
  close: () => here.close?.(),
  hasFocus: () => here.document?.hasFocus() ?? false,
  random: () => toBase64url(crypto.getRandomValues(new Uint8Array(16))),
  note(key, text) {
    try {
      const { sessionStorage } = here
      if (text !== undefined) sessionStorage?.setItem(`tokenward:${key}`, text)
      return sessionStorage?.getItem(`tokenward:${key}`) ?? ''
    } catch {
      return '' // It may be forbidden.
    }
  },
}

function popupOf(opened: Window): Popup {
  return {
    url() {
      try {
        return opened.location.href
      } catch {
        return undefined
      }
    },
    isClosed: () => opened.closed,
    go: (url) => opened.location.replace(url),
    close: () => opened.close(),
  }
}
