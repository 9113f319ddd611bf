const block = /(<!-- bench -->\n\n).*?\n*(<!-- \/bench -->)/s

/** `readme` with the table of the last run in the one place that states it. */
export function withBench(readme, { markdown, machine }) {
  if (!block.test(readme)) throw new Error('README.md has no <!-- bench --> block')
  return readme.replace(block, (_, begin, end) => `${begin}${machine}\n\n${markdown}\n\n${end}`)
}
