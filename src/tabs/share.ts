import { patiently } from '../lib/deadline.ts'
import type { Channel, Ports } from '../ports.ts'
import { type Message, parseMessage } from './messages.ts'
import { type Change, parseRecord, type TabRecord } from './record.ts'

/** What the tabs of one session have in common. Whatever of it is missing or hangs, the tab goes on alone. */
export interface Share {
  /**
   * Changes the shared record, or only reads it; resolves with what it is then. Never rejects, and takes no longer than a
   * while.
   */
  update(change?: Change): Promise<TabRecord | undefined>
  /** Whether the record is only this tab's. */
  isAlone(): boolean
  /** Tells the other tabs. */
  post(message: WithoutVersion<Message>): void
  /** From now on hears what other tabs tell. */
  open(): void
  close(): void
}

type WithoutVersion<M> = M extends unknown ? Omit<M, 'version'> : never

export interface ShareOptions {
  readonly name: string
  /** How long a record may take: much longer than one does. */
  readonly patienceMs: number
  readonly ports: Pick<Ports, 'clock' | 'openChannel' | 'records' | 'timer'>
  hear(message: Message): void
  /** The record is about this epoch. */
  learn(epoch: number): void
  /** Something does not work here. Told once. */
  degraded(what: string, why: unknown): void
}

export function createShare({ name, patienceMs, ports, hear, learn, degraded }: ShareOptions): Share {
  let channel: Channel | undefined
  let closed = false
  /** What this tab alone knows, once there is nothing to share. */
  let alone: { record: TabRecord | undefined } | undefined

  function learned(record: TabRecord | undefined): TabRecord | undefined {
    if (record) learn(record.epoch)
    return record
  }

  return {
    async update(change = () => undefined) {
      let result: TabRecord | undefined
      const apply = (stored: unknown): unknown => {
        const record = parseRecord(stored)
        if (record === 'foreign') throw new Error('another version of this package keeps it')
        return (result = change(record) ?? record)
      }
      if (!alone) {
        try {
          await patiently(ports.records(name, apply), [patienceMs, patienceMs], ports)
          return learned(result)
        } catch (error) {
          degraded('records', error)
        }
      }
      alone ??= { record: undefined }
      return learned((alone.record = change(alone.record) ?? alone.record))
    },

    isAlone: () => alone !== undefined,

    post(message) {
      try {
        channel?.post({ version: 1, ...message })
      } catch (error) {
        degraded('channel', error)
        channel = undefined
      }
    },

    open() {
      if (channel || closed) return
      channel = { post() {}, close() {} }
      try {
        channel = ports.openChannel(name, (value) => {
          const message = parseMessage(value)
          if (message && !closed) hear(message)
        })
      } catch (error) {
        degraded('channel', error)
      }
    },

    close() {
      closed = true
      channel?.close()
    },
  }
}
