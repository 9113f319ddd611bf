import { looksLikeHar, looksLikeMail } from './input-kind.ts'
import { chunksOf, type TextSource } from './lines.ts'
import { createMemory } from './memory.ts'
import { createPlaceholders } from './placeholders.ts'
import { sanitizeHar } from './sanitize-har.ts'
import type { SanitizeOptions } from './sanitize-options.ts'
import { sanitizeMail, sanitizeText } from './sanitize-text.ts'

/**
 * Gives a text back with a placeholder wherever the rules of {@link scan} find a token, a code or a password. In a HAR also
 * for what else opens a door: whatever stands in `Authorization` and in cookies, and what is secret by its name or its
 * use; and what was found once is replaced everywhere, however it is spelled. The same secret gets the same placeholder, so
 * who did what can still be followed; `log._tokens` says of each what it was for.
 *
 * It knows only what it finds. A recorder that knows the tokens (`createRecorder`) misses nothing; this is for what
 * others recorded. Reads piece by piece; a HAR is read twice.
 *
 * @param open Opens the input. Called twice for a HAR.
 * @throws SyntaxError A HAR that ends too early.
 * @example
 * const har = await fetch('/app.har').then((response) => response.text())
 * for await (const piece of sanitize(() => har)) console.log(piece)
 */
export async function* sanitize(open: () => TextSource, options: SanitizeOptions = {}): AsyncGenerator<string> {
  const { file = 'input', as, onDone } = options
  let head = ''
  for await (const chunk of chunksOf(open())) {
    head += chunk
    if (head.length >= 4_096) break
  }
  if (looksLikeHar(head, as)) {
    yield* sanitizeHar(open, options)
    return
  }
  const placeholders = createPlaceholders()
  yield* (looksLikeMail(file, head) ? sanitizeMail : sanitizeText)(open(), {
    placeholders,
    memory: createMemory(),
    onProgress: options.onProgress,
  })
  onDone?.(placeholders.references())
}
