/** What YAML is written from. A `Date` is a timestamp, which has no quotes. */
export type Yaml = string | number | boolean | Date | readonly Yaml[] | { readonly [name: string]: Yaml | undefined }

/**
 * YAML 1.2 that no reader can take for anything else: every text is quoted as JSON is, which YAML includes, and every
 * collection is a block.
 */
export function toYaml(value: Yaml): string {
  return `${block(value, 0).replace(/^\n/, '')}\n`
}

function block(value: Yaml, depth: number): string {
  const indent = '  '.repeat(depth)
  if (value instanceof Date) return ` ${value.toISOString()}`
  if (Array.isArray(value)) {
    if (value.length === 0) return ' []'
    return value.map((item: Yaml) => `\n${indent}-${block(item, depth + 1)}`).join('')
  }
  if (typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    if (members.length === 0) return ' {}'
    return members.map(([name, member]) => `\n${indent}${key(name)}:${block(member as Yaml, depth + 1)}`).join('')
  }
  return ` ${scalar(value)}`
}

function key(name: string): string {
  return /^[A-Za-z_][\w.-]*$/.test(name) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(name) ? name : scalar(name)
}

/** JSON leaves some letters as they are that YAML reads as the end of a line. */
function scalar(value: string | number | boolean): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
