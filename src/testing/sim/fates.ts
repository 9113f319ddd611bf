/** How one call to a server fares on its way. */
export type Fate =
  /** The server decides, and its answer arrives. */
  | 'answered'
  /** So it does, too late for whoever waits. */
  | 'slow'
  /** The connection fails before the server hears of it. */
  | 'unreachable'
  /** It gets lost, and nobody tells. */
  | 'unheard'
  /** The server does it; the connection breaks before the answer. */
  | 'lost'
  /** The server does it; the connection breaks in the middle of the answer. */
  | 'cut'
  /** The server does it; the answer never comes. */
  | 'unanswered'
  /** The server does it, and says something that nobody can read. */
  | 'garbled'
  /** The server does it, and forgets the key: the access token is bound to none. Where no proof was sent: as any other. */
  | 'bearer'
  /** The server ends the session, and says so. */
  | 'refused'
  /** A captive portal answers with a page. */
  | 'portal'
  /** The server turns it away for now. */
  | '408'
  | '425'
  | '429'
  | '500'
  | '503'

/** With any of these the server has done it, whatever the client comes to know. */
export function isHeard(fate: Fate): boolean {
  return /^(answered|slow|lost|cut|unanswered|garbled|bearer|refused)$/.test(fate)
}

export const hardships: readonly [Fate, ...Fate[]] = [
  'slow',
  'unreachable',
  'unheard',
  'lost',
  'cut',
  'unanswered',
  'garbled',
  'refused',
  'portal',
  '408',
  '425',
  '429',
  '500',
  '503',
]
