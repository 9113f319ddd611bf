import { type Mutant, mutantsOf } from './mutant.ts'

const storage = 'test/storage/encrypted.test.ts'

export const stored: readonly Mutant[] = [
  ...mutantsOf('src/storage/key.ts', [
    [
      storage,
      'a key that another tab has made at the same time is overwritten',
      'isKey(found) ? found : fresh',
      'fresh',
    ],
    [
      storage,
      'a tab seals with the key that it has made, not with the one that is kept',
      'const key = await readKey()',
      'const key = fresh',
    ],
  ]),
  ...mutantsOf('src/storage/encrypted.ts', [
    [
      storage,
      'what is sealed for one session opens for another',
      'return wrap(new TextEncoder().encode(bind))',
      'return wrap(new TextEncoder().encode(bind.slice(0, 0)))',
    ],
    [
      storage,
      'the caller may change the token while it is sealed',
      'const copy = Uint8Array.from(plain)',
      'const copy = plain as Uint8Array<ArrayBuffer>',
    ],
  ]),
  ...mutantsOf('src/adapters/aes-gcm.ts', [
    [
      storage,
      'the vector is always the same',
      'crypto.getRandomValues(new Uint8Array(IV_BYTES))',
      'new Uint8Array(IV_BYTES)',
    ],
    [storage, 'the length of the tag is left to Object.prototype', ', tagLength: 128', ''],
    [storage, 'a key that can be read is taken as ours', ' && !extractable', ''],
    [storage, 'the key can be read', 'length: 256 }, false,', 'length: 256 }, true,'],
  ]),
  ...mutantsOf('src/adapters/database.ts', [[storage, 'the connection to the key is left open', 'db.close()', '']]),
  ...mutantsOf('src/storage/envelope.ts', [
    [
      storage,
      'a format of another version is opened',
      'bytes[0] === FORMAT ? bytes.slice(1) : undefined',
      'bytes.slice(1)',
    ],
  ]),
]
