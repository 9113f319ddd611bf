import { type Mutant, mutantsOf } from './mutant.ts'

const binding = 'test/dpop/binding.test.ts'
const flow = 'test/dpop/flow.test.ts'
const callback = 'test/oauth/callback.test.ts'
const corpus = 'test/sim/corpus.test.ts'
const metadata = 'test/oauth/metadata.test.ts'
const resource = 'test/oauth/resource-metadata.test.ts'

/** Keys, proofs, and what an authorization server or an API says. */
export const proven: readonly Mutant[] = [
  ...mutantsOf('src/dpop/binding.ts', [
    [
      binding,
      'what is stored in the place of a key is one',
      'if (!isSigningKey(privateKey)) throw',
      'if (false) throw',
    ],
    [
      binding,
      'a key that could not be read once never can',
      'loading.catch(() => provers.delete(name))',
      'loading.catch(() => {})',
    ],
    [
      binding,
      'an API is sent the nonce of the authorization server',
      'nonces.begin(ath === undefined ? `${origin} tokens` : origin)',
      'nonces.begin(origin)',
    ],
    [flow, 'the proof is for the token before', 'if (lastHash?.of !== accessToken)', 'if (!lastHash)'],
    [binding, 'one answer is worth two retries', '      pending.delete(proof)\n', ''],
    [binding, 'the time is always that of the device', 'if (skew) skews.set', 'if (false) skews.set'],
    [binding, 'a key that is deleted still proves', '      provers.delete(key)\n', ''],
  ]),
  ...mutantsOf('src/dpop/nonces.ts', [
    [
      binding,
      'a late answer brings back an older nonce',
      'if (given !== undefined && sentAt + CLOSE_MS >= lane.from)',
      'if (given !== undefined)',
    ],
    [
      binding,
      'the nonce that was refused is worth a retry',
      'given !== undefined && given !== nonce',
      'given !== undefined',
    ],
    [binding, 'all retries go at once', '        lane.line = turn\n', ''],
    [binding, 'a nonce that breaks the header is used', '/^[!#-[\\]-~]+$/', '/^.+$/'],
  ]),
  ...mutantsOf('src/flow/send.ts', [
    [
      flow,
      'a proof is retried with the nonce that it had',
      "...(verdict.action === 'nonce-retry' && !isNew && PROPAGATE)",
      '',
    ],
    [flow, 'a lost key is an error like any other', "if (error.code !== 'key_lost') throw error", 'throw error'],
    [
      flow,
      'a token that is used once is sent again with a new proof',
      '      used = await renewal\n',
      '      if (isTokenRefused) used = await renewal\n',
    ],
    [resource, 'a login is asked for at an issuer that cannot help', 'if (foreign && isWanting)', 'if (false)'],
  ]),
  ...mutantsOf('src/oauth/exchange-once.ts', [
    [callback, 'two sessions begin with the tokens of one answer', 'if (mine !== flight.asked) throw taken()', ''],
  ]),
  ...mutantsOf('src/oauth/transactions.ts', [
    [callback, 'a login is given out twice', '{ taken: true, at: found.at }', 'found'],
  ]),
  ...mutantsOf('src/oauth/callback.ts', [
    [
      callback,
      'a parameter that comes twice is read',
      "if (parameters.getAll(name).length > 1) throw refused('has a parameter twice')",
      '',
    ],
    [
      callback,
      'tokens in an answer are overlooked',
      "if (TOKENS.some((name) => parameters.has(name))) throw refused('holds tokens')",
      '',
    ],
  ]),
  ...mutantsOf('src/oauth/metadata.ts', [
    [metadata, 'the metadata of another issuer is used', 'if (found.issuer === issuer) return found', 'return found'],
  ]),
  ...mutantsOf('src/oauth/resource-metadata.ts', [
    [resource, 'what another resource says of itself is used', 'named === identifier && ', ''],
    [
      resource,
      'metadata is fetched from wherever the challenge says',
      'resourceMetadataUrl(one) === metadata',
      "one !== ''",
    ],
  ]),
  ...mutantsOf('src/flow/refresh.ts', [
    [
      corpus,
      'a refresh is tried again with another proof when its session is over',
      "init?.method !== 'POST' || turns.isDue(from, flight) ? context.fetch(input, init) : over(from)",
      'context.fetch(input, init)',
    ],
  ]),
  ...mutantsOf('src/token.ts', [
    [
      corpus,
      'a token that is bound to no key takes the place of one that is',
      'key !== undefined && !allowBearer',
      'false',
    ],
  ]),
]
