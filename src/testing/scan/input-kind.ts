/** Whether a text that begins with `head` is a HAR. */
export const looksLikeHar = (head: string, as?: 'log' | 'file' | 'har'): boolean =>
  as === undefined ? /^\uFEFF?\s*\{\s*"log"\s*:\s*\{/.test(head) : as === 'har'

/** Whether a text that begins with `head` is a mail, so that its lines may be folded. */
export const looksLikeMail = (file: string, head: string): boolean =>
  /\.(?:eml|mbox)$/i.test(file) ||
  /^(?:From|Received|Return-Path|Message-ID|Delivered-To): .*\r?\n(?:[\w-]+: |\s)/i.test(head)
