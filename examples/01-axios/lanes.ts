import type { SessionState, TokenManager } from 'tokenward'

/** One tab of this page, as the others show it. No token in it. */
interface Lane {
  readonly id: string
  readonly name: string
  readonly status: SessionState['status'] | 'closed'
  /** Refreshes that this tab has made. */
  readonly refreshes: number
}

const words: Record<Lane['status'], string> = {
  restoring: 'looking for a session',
  'signed-out': 'signed out',
  active: 'signed in',
  refreshing: 'refreshing',
  stale: 'waiting for the server',
  closed: 'closed',
}

/** Draws a lane for each tab that has this page open, this one first. The tabs tell each other over a channel of the page. */
export function drawLanes(list: HTMLElement, tokens: TokenManager<never>): void {
  const channel = new BroadcastChannel('tokenward-demo-lanes')
  const lanes = new Map<string, Lane>()
  const id = crypto.randomUUID()
  let refreshes = 0

  function tell(status: Lane['status'] = tokens.getState().status): void {
    const lane = { id, name: 'This tab', status, refreshes }
    draw(lane)
    channel.postMessage({ ...lane, name: 'Another tab' })
  }

  function draw(lane: Lane): void {
    if (lane.status === 'closed') lanes.delete(lane.id)
    else lanes.set(lane.id, lane)
    list.replaceChildren(...[...lanes.values()].map(toItem))
  }

  channel.onmessage = ({ data }: MessageEvent<Lane | 'who is there?'>) => {
    if (data === 'who is there?') tell()
    else draw(data)
  }
  tokens.subscribe(({ status }) => tell(status))
  tokens.on('refreshed', () => {
    refreshes++
    tell()
  })
  addEventListener('pagehide', () => tell('closed'))
  addEventListener('pageshow', () => tell())
  tell()
  channel.postMessage('who is there?')
}

function toItem({ name, status, refreshes }: Lane): HTMLLIElement {
  const item = document.createElement('li')
  item.dataset['status'] = status
  const title = document.createElement('strong')
  title.textContent = name
  const times = refreshes === 1 ? '1 refresh' : `${refreshes} refreshes`
  item.append(title, ` ${words[status]} · ${times}`)
  return item
}
