/** Why no test fails when `to` stands instead of `from`. Without `to`: whatever does. */
export const survivors = {
  'src/lib/emitter.ts': [
    { from: 'holding?.push', to: 'holding.push', why: 'a batch is always open here; only the compiler cannot know it' },
  ],
  'src/lib/jwt.ts': [
    {
      from: "''",
      to: '"Stryker was here!"',
      why: 'neither is base64 of JSON, so a text without a payload stays no JWT',
    },
    { from: '{ return undefined }', to: '{}', why: 'a function that returns nothing returns `undefined`' },
  ],
  'src/lib/url.ts': [
    { from: '{ return undefined }', to: '{}', why: 'a function that returns nothing returns `undefined`' },
  ],
  'src/session/state.ts': [
    {
      from: "state.status === 'restoring'",
      to: 'true',
      why: 'signed out there is no session; only the compiler cannot know it',
    },
  ],
  'src/flow/abort.ts': [
    { from: 'waiter', to: 'true', why: 'who waits does so with `waiters`; only the compiler cannot know it' },
    {
      from: 'waiters?.remove',
      to: 'waiters.remove',
      why: 'who waits does so with `waiters`; only the compiler cannot know it',
    },
  ],
  'src/flow/probation.ts': [
    { from: 'obtained === accepted', to: 'false', why: 'what is known is only spared being looked up again' },
  ],
  'src/flow/failure.ts': [
    { from: '[]', to: '["Stryker was here"]', why: 'a text that is in no error is taken for one more secret' },
  ],
  'src/flow/watch.ts': [
    { from: 'byMs < TOO_FAR_MS', to: 'byMs <= TOO_FAR_MS', why: 'no clock is off by just that' },
    { from: '[]', to: '["Stryker was here"]', why: 'what is no time begins no storm, and is the first to fall out' },
  ],
  'src/tabs/epochs.ts': [
    { from: 'marked > heard', to: 'marked >= heard', why: 'of two that are the same either will do' },
    {
      from: '(epoch as number) > newest()',
      to: 'epoch as number >= newest()',
      why: 'of two that are the same either will do',
    },
    { from: 'text === read', to: 'false', why: 'what was read is only spared being read again' },
    { from: 'epoch === known?.epoch', to: 'false', why: 'what is known is only spared being made again' },
  ],
  'src/tabs/messages.ts': [{ from: "''", to: '"Stryker was here!"', why: 'only what it is, a text, is looked at' }],
  'src/tabs/share.ts': [
    { from: '{ record: undefined }', to: '{}', why: 'a member that is not there is `undefined` too' },
  ],
  'src/flow/challenge.ts': [
    {
      from: "''",
      to: '"Stryker was here!"',
      why: 'what is not there is no challenge, no gap and no error code, and nor is this',
    },
    { from: 'status < 400 && !refused', to: 'false', why: 'this only says at once what comes of it anyway' },
    { from: 'status < 400', to: 'status <= 400', why: 'this only says at once what comes of it anyway' },
  ],
  'src/flow/pool.ts': [
    { from: "''", to: '"Stryker was here!"', why: 'there is always a wish; only the compiler cannot know it' },
  ],
  'src/flow/schedule.ts': [
    { from: '{ wall: 0, monotonic: 0 }', to: '{}', why: 'the look at a sign-in sets it before anybody reads it' },
    {
      from: 'limits.idleMs < Infinity',
      why: 'no time is longer than `Infinity`: this only spares a look at the clock',
    },
    { from: 'at > active.wall', to: 'at >= active.wall', why: 'of two that are the same either will do' },
  ],
  'src/flow/turn.ts': [
    {
      from: 'heldIn(store.get())?.tokens',
      to: 'heldIn(store.get()).tokens',
      why: 'while its session goes on it is here; only the compiler cannot know it',
    },
    { from: "claimed.verdict === 'mine'", to: 'true', why: 'of no other verdict is anything sealed, to be opened' },
  ],
  'src/flow/outcome.ts': [
    {
      from: 'epochs.newest()?.what',
      to: 'epochs.newest().what',
      why: 'what has taken the place of a session is an epoch; only the compiler cannot know it',
    },
    {
      from: 'heldIn(store.get())?.tokens',
      to: 'heldIn(store.get()).tokens',
      why: 'while its session goes on it is here; only the compiler cannot know it',
    },
  ],
  'src/flow/refresh.ts': [
    { from: "''", to: '"Stryker was here!"', why: 'neither is a wish, so that all that was granted is asked for' },
    {
      from: 'source.restore?.(context)',
      to: 'source.restore(context)',
      why: 'it is asked only if there is one; only the compiler cannot know it',
    },
    {
      from: 'newer(from)?.tokens?.sequence',
      to: 'newer(from)?.tokens.sequence',
      why: 'what is newer has tokens; only the compiler cannot know it',
    },
    {
      from: 'from.wish !== undefined',
      to: 'true',
      why: 'of no wish at all nothing is known that could be forgotten',
    },
  ],
  'src/flow/siblings.ts': [
    {
      from: 'here(wish)?.tokens',
      to: 'here(wish).tokens',
      why: 'a message is heard only where there is a session; only the compiler cannot know it',
    },
    { from: 'wish !== undefined', to: 'true', why: 'what is no wish is none for a token that is used once' },
  ],
  'src/flow/sign-in.ts': [
    {
      from: 'epochs.newest()?.epoch',
      to: 'epochs.newest().epoch',
      why: 'there is an epoch, that of this sign-in; only the compiler cannot know it',
    },
    {
      from: 'source.revoke?.({ refreshToken: undefined, accessTokens: [accessToken] }, calls.context)',
      to: 'source.revoke({ refreshToken: undefined, accessTokens: [accessToken] }, calls.context)',
      why: 'a login that was overtaken fails unheard, and this is the last that it does',
    },
  ],
  'src/flow/sign-out.ts': [
    { from: '[]', to: '["Stryker was here"]', why: 'what is no answer is none of the bad ones' },
    {
      from: 'epochs.newest()?.what',
      to: 'epochs.newest().what',
      why: 'there is an epoch, that of this end; only the compiler cannot know it',
    },
    { from: "'confirmed'", to: '""', why: 'what is no answer is none of the bad ones' },
    {
      from: 'source.endSessionUrl?.(calls.context)',
      to: 'source.endSessionUrl(calls.context)',
      why: 'what is thrown is caught right here',
    },
    {
      from: '{ return undefined // a logout is no place to fail }',
      to: '{}',
      why: 'a function that returns nothing returns `undefined`',
    },
  ],
  'src/flow/restore.ts': [
    {
      from: 'idleMs < Infinity',
      why: 'no time is longer than `Infinity`: this only spares a look at the record',
    },
    {
      from: 'next?.what',
      to: 'next.what',
      why: 'there is an epoch, that of what was looked for; only the compiler cannot know it',
    },
    {
      from: 'source.restore?.(context)',
      to: 'source.restore(context)',
      why: 'only who can be asked is asked; only the compiler cannot know it',
    },
    { from: '[]', to: '["Stryker was here"]', why: 'a text that is in no error is taken for one more secret' },
  ],
  'src/flow/send.ts': [
    { from: "''", to: '"Stryker was here!"', why: 'both are relative, and only the origin is looked at' },
    {
      from: 'verdict === FINE',
      to: 'false',
      why: 'what asks for nothing is handed on anyway: this only spares the way there',
    },
    { from: '!here', to: 'true', why: 'the clock says the same again: this only spares a look at it' },
    {
      from: 'parseUrl(url, lifecycle.baseUrl())?.href',
      to: 'parseUrl(url, lifecycle.baseUrl()).href',
      why: 'what cannot be read is no resource, and gets no token',
    },
    {
      from: 'source.binding?.learn',
      to: 'source.binding.learn',
      why: 'only a binding makes proofs; only the compiler cannot know it',
    },
    {
      from: 'source.serves?.(challenged, context)',
      to: 'source.serves(challenged, context)',
      why: 'only who can tell is asked; only the compiler cannot know it',
    },
    {
      from: "{ action: 'propagate', status: 200 }",
      to: '{}',
      why: 'what asks for nothing is handed on',
    },
    { from: "'propagate'", to: '""', why: 'what asks for nothing that is known is handed on' },
  ],
}
