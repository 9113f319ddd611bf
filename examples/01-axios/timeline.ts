import type { SessionState, TokenManager } from 'tokenward'
import { element } from './dom.ts'
import { draw, move } from './svg.ts'
import { calls, type Call, type Send } from './traffic.ts'

/** How much of the past is to be seen. */
const WIDE_MS = 20_000
const NARROW_MS = 10_000
const FRAME_MS = 40
const QUIET_FRAME_MS = 1_000

const STATES = { top: 18, height: 18 }
const REFRESHES = { top: 62, height: 14 }
const REQUESTS = { top: 102, height: 168 }
const HEIGHT = 294
/** The height of a bar that has room. */
const THICK = 13
/** The width of a bar of no time at all: what is over in a moment is to be seen too. */
const THIN = 4

/** What a bar means, by its class. */
const meanings = {
  wait: 'waits for a token',
  ok: 'on the wire',
  refused: 'answered 401',
  failed: 'no answer, or trouble',
  bare: 'without the token',
} as const
type Meaning = keyof typeof meanings

/** What a colour of the session means, by its class. */
const states = {
  'state signed-out': 'signed out',
  'state active': 'signed in',
  'state refreshing': 'being refreshed',
  'state stale': 'a refresh failed',
} as const

interface Drawn {
  readonly group: SVGGElement
  readonly track: number
  /** Nothing of it changes any more. */
  done: boolean
}

interface Span {
  readonly status: SessionState['status']
  readonly at: number
  readonly bar: SVGRectElement
  readonly label: SVGTextElement
}

/** A label has to fit into its bar. */
const LABEL_WIDTH = 76

/** Draws what goes on, from the right to the left: the states of the session, refreshes, and each send of each request. */
export function drawTimeline(tokens: TokenManager<never>): void {
  const place = element('timeline', HTMLElement)
  const moving = draw('g')
  const grid = draw('g', { class: 'grid' })
  const svg = draw('svg', { height: HEIGHT, role: 'img', 'aria-label': 'Timeline; the log tells the same in words' })
  svg.append(draw('defs', {}, hatching()), grid, moving, ...titles())
  place.append(svg)
  element('legend', HTMLUListElement).append(...legend())

  const drawn = new Map<Call, Drawn>()
  const spans: Span[] = []
  let width = 0
  let spanMs = WIDE_MS
  let pitch = 0
  let paused = false

  const x = (at: number): number => (at / spanMs) * width

  function addState({ status }: Pick<SessionState, 'status'>): void {
    if (spans.at(-1)?.status === status) return
    const bar = draw('rect', { class: `state ${status}`, y: STATES.top, height: STATES.height, rx: 3 })
    const label = draw('text', { class: `label ${status}`, y: STATES.top + 13 }, status.replace('-', ' '))
    spans.push({ status, at: performance.now(), bar, label })
    moving.append(bar, label)
  }

  function frame(): void {
    const now = performance.now()
    const past = now - spanMs - 1_000
    while (spans[1] !== undefined && spans[1].at < past) forget(spans.shift())
    for (const [index, { at, bar, label }] of spans.entries()) {
      const from = x(Math.max(at, now - spanMs))
      const until = x(spans[index + 1]?.at ?? now)
      move(bar, { x: from, width: Math.max(1, until - from) })
      move(label, { x: from + 7, visibility: until - from < LABEL_WIDTH ? 'hidden' : 'visible' })
    }
    for (const [call, { group }] of drawn) {
      if ((call.endedAt ?? now) >= past) continue
      group.remove()
      drawn.delete(call)
    }
    for (const call of calls) {
      if (call.to === 'auth' && call.what === 'logout') continue
      if (!drawn.has(call) && (call.endedAt ?? now) >= past) add(call)
    }
    setPitch()
    for (const [call, one] of drawn) {
      if (!one.done) update(call, one, now)
    }
    move(moving, { transform: `translate(${width - x(now)} 0)` })
  }

  function add(call: Call): void {
    const group = draw('g', { class: call.to === 'auth' ? 'refresh' : 'request' })
    moving.append(group)
    drawn.set(call, { group, track: call.to === 'auth' ? 0 : freeTrack(), done: false })
  }

  function freeTrack(): number {
    const now = performance.now()
    // A short pause keeps two bars apart.
    const busy = [...drawn].filter(([call]) => call.to === 'api' && (call.endedAt ?? now) > now - spanMs / 60)
    const taken = new Set(busy.map(([, { track }]) => track))
    let track = 0
    while (taken.has(track)) track++
    return track
  }

  /** Many requests at once get thinner bars. */
  function setPitch(): void {
    const tracks = Math.max(0, ...[...drawn].map(([call, { track }]) => (call.to === 'api' ? track + 1 : 0)))
    const wanted = Math.min(THICK + 3, REQUESTS.height / Math.max(1, tracks))
    if (wanted === pitch) return
    pitch = wanted
    for (const one of drawn.values()) one.done = false
  }

  function update(call: Call, one: Drawn, now: number): void {
    const isRefresh = call.to === 'auth'
    const y = isRefresh ? REFRESHES.top : REQUESTS.top + one.track * pitch
    const height = isRefresh ? REFRESHES.height : Math.max(2, pitch * 0.75)
    const bars: SVGRectElement[] = []
    let free = 0
    function bar(meaning: Meaning, from: number, to: number): SVGRectElement {
      // One after the other, however short: a refusal is not to be covered by what follows from it.
      const left = Math.max(free, x(from))
      const width = Math.max(THIN, x(to) - left)
      free = left + width
      return draw('rect', { class: meaning, x: left, y, width, height, rx: Math.min(3, height / 2) })
    }
    let waitsFrom = call.at
    for (const send of call.sends) {
      if (send.at - waitsFrom > 2) bars.push(bar('wait', waitsFrom, send.at))
      bars.push(bar(meaningOf(send, call), send.at, send.endedAt ?? now))
      waitsFrom = send.endedAt ?? now
    }
    const until = call.endedAt ?? now
    if (until - waitsFrom > 2) bars.push(bar('wait', waitsFrom, until))
    one.group.replaceChildren(draw('title', {}, titleOf(call)), ...bars)
    one.done = call.endedAt !== undefined
  }

  function resize(): void {
    width = place.clientWidth
    spanMs = width < 600 ? NARROW_MS : WIDE_MS
    move(svg, { width, viewBox: `0 0 ${width} ${HEIGHT}` })
    grid.replaceChildren(...lines(width, spanMs))
    for (const one of drawn.values()) one.done = false
    frame()
  }

  element('pause', HTMLButtonElement).addEventListener('click', ({ currentTarget }) => {
    paused = !paused
    ;(currentTarget as HTMLButtonElement).setAttribute('aria-pressed', String(paused))
  })
  tokens.subscribe(addState)
  addState(tokens.getState())
  new ResizeObserver(resize).observe(place)
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches
  setInterval(
    () => {
      if (!paused && !document.hidden) requestAnimationFrame(frame)
    },
    still ? QUIET_FRAME_MS : FRAME_MS,
  )
}

function forget(span: Span | undefined): void {
  span?.bar.remove()
  span?.label.remove()
}

function meaningOf({ status, fingerprint, endedAt }: Send, { to, html }: Call): Meaning {
  if (endedAt !== undefined && (status === undefined || status >= 500 || status === 429 || html === true))
    return 'failed'
  if (status === 401) return 'refused'
  return to === 'api' && fingerprint === undefined ? 'bare' : 'ok'
}

function titleOf({ what, sends, html }: Call): string {
  const answers = sends.map(({ status, endedAt }) => (endedAt === undefined ? '…' : (status ?? 'no answer')))
  return `${what}: ${answers.join(', then ')}${html === true ? ' (HTML)' : ''}`
}

function hatching(): SVGPatternElement {
  const attributes = {
    id: 'hatching',
    width: 6,
    height: 6,
    patternUnits: 'userSpaceOnUse',
    patternTransform: 'rotate(45)',
  }
  const ground = draw('rect', { width: 6, height: 6, class: 'ground' })
  return draw('pattern', attributes, ground, draw('rect', { width: 2, height: 6, class: 'stripe' }))
}

function titles(): SVGTextElement[] {
  const at = (top: number, text: string): SVGTextElement => draw('text', { class: 'lane', x: 0, y: top - 6 }, text)
  return [at(STATES.top, 'Session'), at(REFRESHES.top, 'Sign-in and refresh'), at(REQUESTS.top, 'Requests to the API')]
}

function lines(width: number, spanMs: number): Element[] {
  const made: Element[] = []
  for (let agoMs = spanMs / 4; agoMs < spanMs; agoMs += spanMs / 4) {
    const at = width - (agoMs / spanMs) * width
    made.push(
      draw('line', { x1: at, x2: at, y1: STATES.top, y2: HEIGHT - 16 }),
      draw('text', { x: at, y: HEIGHT - 3, 'text-anchor': 'middle' }, `${agoMs / 1_000} s ago`),
    )
  }
  return [...made, draw('text', { x: width, y: HEIGHT - 3, 'text-anchor': 'end' }, 'now')]
}

function legend(): HTMLLIElement[] {
  return Object.entries({ ...states, ...meanings }).map(([meaning, text]) => {
    const sample = draw('svg', { width: 22, height: 10, 'aria-hidden': 'true' })
    sample.append(draw('rect', { class: meaning, x: 1, y: 1, width: 20, height: 8, rx: 2 }))
    const item = document.createElement('li')
    item.append(sample, text)
    return item
  })
}
