/** The columns of a log in the extended format of the W3C, as CloudFront and IIS write it. */
export interface W3cColumns {
  /** Whether `line` is the one that names the columns. They are remembered. */
  isHeader(line: string): boolean
  /** Where the query, and the referrer, of a line stand. `undefined`: the log is none of these. */
  query(line: string): readonly [number, number] | undefined
  referer(line: string): readonly [number, number] | undefined
}

/** @see [Extended Log File Format](https://www.w3.org/TR/WD-logfile.html) */
export function createW3cColumns(): W3cColumns {
  let names: readonly string[] | undefined
  const find = (line: string, name: string): readonly [number, number] | undefined => {
    const index = names?.indexOf(name) ?? -1
    if (index === -1) return undefined
    const separator = line.includes('\t') ? '\t' : ' '
    const columns = line.split(separator)
    const start = columns.slice(0, index).reduce((sum, column) => sum + column.length + 1, 0)
    return [start, start + (columns[index]?.length ?? 0)]
  }
  return {
    isHeader(line) {
      if (!line.startsWith('#Fields:')) return false
      names = line.slice('#Fields:'.length).trim().split(/\s+/)
      return true
    },
    query: (line) => find(line, 'cs-uri-query'),
    referer: (line) => find(line, 'cs(Referer)'),
  }
}
