/**
 * What every binding is given.
 *
 * @throws `TypeError` when it is something else; the message names the cure.
 */
export function checkBound(binding: string, tokens: unknown, refused: unknown): void {
  if (typeof (tokens as { send?: unknown } | undefined)?.send !== 'function')
    throw new TypeError(`${binding} needs what createTokenManager returns.`)
  if (refused !== undefined && typeof refused !== 'function')
    throw new TypeError('refused must be a function, like ({ status }) => status === 419.')
}
