/** Which URLs are wanted: those that begin with a text, match an expression, or for which a function says so. */
export type Include = readonly (string | RegExp)[] | ((url: string) => boolean)

/** Without a wish, everything is wanted. */
export function toFilter(include: Include | undefined): (url: string) => boolean {
  if (typeof include === 'function') return include
  return (url) =>
    include?.some((one) =>
      typeof one === 'string' ? url.startsWith(one) : new RegExp(one, one.flags.replace(/[gy]/g, '')).test(url),
    ) ?? true
}
