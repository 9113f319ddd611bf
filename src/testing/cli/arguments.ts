import { parseArgs } from 'node:util'
import { type Arguments, type Command, UsageError } from './command.ts'

/**
 * Reads the arguments of `command`. Node's own parser does it: it is kept as long as Node is, follows the conventions of
 * GNU, and is no dependency.
 *
 * @throws UsageError An option that does not exist, lacks its value, or has one that it may not have.
 */
export function readArguments(command: Command, args: readonly string[]): Arguments {
  const { positionals, values } = parse(command, args)
  const all = (name: string): string[] => {
    const value = values[name]
    return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string')
  }
  for (const [name, { choices }] of Object.entries(command.options)) {
    const wrong = choices && all(name).find((value) => !choices.includes(value))
    if (wrong !== undefined) {
      throw new UsageError(`--${name} cannot be "${wrong}". It is one of: ${choices?.join(', ') ?? ''}.`)
    }
  }
  return { positionals, all, get: (name) => all(name).at(-1), has: (name) => values[name] === true }
}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

function parse(command: Command, args: readonly string[]): { positionals: readonly string[]; values: Values } {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short === undefined ? {} : { short }), ...(multiple === undefined ? {} : { multiple }) },
    ]),
  )
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(messageOf(error, command))
  }
}

/** Says what was meant, if that is likely. */
function messageOf(error: unknown, { name, options }: Command): string {
  const message = error instanceof Error ? error.message : String(error)
  const unknown = /Unknown option '(-[^']*)'/.exec(message)?.[1]
  if (unknown !== undefined) {
    const near = nearest(unknown.replace(/^-+/, ''), Object.keys(options))
    const hint = near === undefined ? '' : ` Did you mean --${near}?`
    return `tokenward ${name} has no option ${unknown}.${hint} See: tokenward ${name} --help`
  }
  const dashed = /Option '(?:-\w, )?(--[\w-]+).*argument is ambiguous/.exec(message)?.[1]
  if (dashed !== undefined) return `${dashed} needs a value. One that begins with a dash is written so: ${dashed}=-x`
  const [first = message] = message.split('\n')
  return `${first.replace(/\. .*$/, '')}. See: tokenward ${name} --help`
}

/** The one of `words` that differs from `word` by at most two letters. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const ranked = words.map((one) => ({ one, by: distance(word, one) })).sort((a, b) => a.by - b.by)
  const [best] = ranked
  return best && best.by <= 2 ? best.one : undefined
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [index, letter] of Array.from(a).entries()) {
    const next = [index + 1]
    for (let at = 1; at <= b.length; at++) {
      const change = (row[at - 1] ?? 0) + (letter === b[at - 1] ? 0 : 1)
      next.push(Math.min(change, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
