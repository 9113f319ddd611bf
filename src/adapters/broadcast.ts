import type { OpenChannel } from '../ports.ts'

/** The BroadcastChannel of a page or worker. Managers of one server process must not hear each other: they serve different users. */
export const openChannel: OpenChannel = (name, listener) => {
  if (typeof location === 'undefined') return { post() {}, close() {} }
  const channel = new BroadcastChannel(`tokenward:${name}`)
  channel.onmessage = ({ data }) => listener(data)
  return { post: (message) => channel.postMessage(message), close: () => channel.close() }
}
