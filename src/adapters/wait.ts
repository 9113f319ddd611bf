/** Resolves after `ms`, and keeps a program in Node running until then. */
export const wait = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
