const block = /(<!-- sizes -->\n\n).*?(\n\n<!-- \/sizes -->)/s

/** `readme` with the numbers of `sizes` (bytes by import, as in etc/size.json) in the one place that states them. */
export function withSizes(readme, sizes) {
  if (!block.test(readme)) throw new Error('README.md has no <!-- sizes --> block')
  const sentence =
    `The core with \`cookieSource\` costs **${sizes['core + axios']} bytes** with the axios binding, ` +
    `or ${sizes['core + fetch']} bytes with the fetch binding:\n` +
    'minified, compressed with brotli, dependencies included, axios not counted.'
  return readme.replace(block, (_, begin, end) => begin + sentence + end)
}
