import { inspect } from 'node:util'

/** Every place in `value` where `secret` can be found: own and inherited properties, symbols, maps, what is printed. */
export function placesOf(secret: string, value: unknown, limit = 200_000): string[] {
  const places: string[] = []
  const seen = new Set<object>()
  const queue: [string, unknown][] = [['value', value]]
  let steps = 0
  for (let next = queue.shift(); next; next = queue.shift()) {
    if (++steps > limit) throw new Error('too much to walk')
    const [path, found] = next
    if (typeof found === 'string' && found.includes(secret)) places.push(path)
    if (found instanceof Uint8Array && Buffer.from(found.buffer, found.byteOffset, found.byteLength).includes(secret)) {
      places.push(path)
    }
    if ((typeof found !== 'object' && typeof found !== 'function') || found === null || seen.has(found)) continue
    seen.add(found)
    if (found === globalThis || found === process || ArrayBuffer.isView(found)) continue
    if (found instanceof Map)
      for (const [key, entry] of found) queue.push([`${path}<${String(key)}>`, entry], [path, key])
    if (found instanceof Set) for (const entry of found) queue.push([`${path}<>`, entry])
    for (
      let holder: object | null = found;
      holder && holder !== Object.prototype;
      holder = Object.getPrototypeOf(holder)
    ) {
      if (holder === Function.prototype) break
      for (const key of Reflect.ownKeys(holder)) {
        let entry: unknown
        try {
          entry = (found as Record<PropertyKey, unknown>)[key]
        } catch {
          continue
        }
        queue.push([`${path}.${String(key)}`, entry])
      }
    }
  }
  const printed = [inspect(value, { depth: 10, showHidden: true, getters: false }), JSON.stringify(toJson(value)) ?? '']
  if (printed.some((text) => text.includes(secret))) places.push('as printed')
  return places
}

function toJson(value: unknown): unknown {
  try {
    const { toJSON } = (value ?? {}) as { toJSON?(): unknown }
    return toJSON ? toJSON.call(value) : String(value)
  } catch {
    return undefined
  }
}
