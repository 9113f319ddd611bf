import { expect, test, vi } from 'vitest'
import { createEmitter } from '../../src/lib/emitter.ts'

interface Events {
  readonly sent: number
  readonly lost: number
}

function open() {
  const report = vi.fn()
  const told: string[] = []
  const emitter = createEmitter<Events>(report)
  return { emitter, report, told, tell: (name: string) => (event: number) => void told.push(`${name} ${event}`) }
}

test('each listener hears the events of its name, in order, until it is taken off', () => {
  const { emitter, told, tell } = open()
  const stop = emitter.on('sent', tell('a'))
  emitter.on('sent', tell('b'))
  emitter.on('lost', tell('c'))
  emitter.emit('sent', 1)
  stop()
  emitter.emit('sent', 2)
  emitter.emit('lost', 3)
  expect(told).toEqual(['a 1', 'b 1', 'b 2', 'c 3'])
})

test('the same function may listen twice, and each undo undoes one', () => {
  const { emitter, told, tell } = open()
  const listener = tell('a')
  const stop = emitter.on('sent', listener)
  emitter.on('sent', listener)
  stop()
  stop()
  emitter.emit('sent', 1)
  expect(told).toEqual(['a 1'])
})

test('a listener that throws is reported, and breaks no other', () => {
  const { emitter, report, told, tell } = open()
  const broken = new Error('broken')
  emitter.on('sent', () => {
    throw broken
  })
  emitter.on('sent', tell('a'))
  emitter.emit('sent', 1)
  expect(report.mock.calls).toEqual([[broken]])
  expect(told).toEqual(['a 1'])
})

test('who is taken off by another listener does not hear what is being told; who comes hears the next', () => {
  const { emitter, told, tell } = open()
  emitter.on('sent', (event) => {
    stop()
    if (event === 1) emitter.on('sent', tell('late'))
  })
  const stop = emitter.on('sent', tell('a'))
  emitter.emit('sent', 1)
  emitter.emit('sent', 2)
  expect(told).toEqual(['late 2'])
})

test('what a listener emits is told after what it hears', () => {
  const { emitter, told, tell } = open()
  emitter.on('sent', () => emitter.emit('lost', 2))
  emitter.on('sent', tell('a'))
  emitter.on('lost', tell('b'))
  emitter.emit('sent', 1)
  expect(told).toEqual(['a 1', 'b 2'])
})

test('a batch tells when it is done, one within another when that is, and also if it throws', () => {
  const { emitter, told, tell } = open()
  emitter.on('sent', tell('a'))
  const result = emitter.batch(() => {
    emitter.batch(() => emitter.emit('sent', 1))
    expect(told).toEqual([])
    return 'done'
  })
  expect(result).toBe('done')
  expect(told).toEqual(['a 1'])
  const failing = (): never => {
    emitter.emit('sent', 2)
    throw new Error('failed')
  }
  expect(() => emitter.batch(failing)).toThrow('failed')
  expect(told).toEqual(['a 1', 'a 2'])
})

test('nobody hears anything after all were taken off', () => {
  const { emitter, told, tell } = open()
  emitter.on('sent', tell('a'))
  emitter.clear()
  emitter.emit('sent', 1)
  expect(told).toEqual([])
})

test('whoever is told what a listener threw may throw too: what comes after is told all the same', () => {
  const { emitter, report, told, tell } = open()
  report.mockImplementation((error: unknown) => {
    throw error
  })
  emitter.on('sent', () => {
    throw new Error('of the application')
  })
  emitter.on('sent', tell('a'))
  emitter.emit('sent', 1)
  emitter.emit('sent', 2)
  expect(told).toEqual(['a 1', 'a 2'])
  expect(report).toHaveBeenCalledTimes(2)
})
