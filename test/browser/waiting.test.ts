import axiosStatic, { type CancelTokenSource } from 'axios'
import { createFetch } from 'tokenward/fetch'
import { describe, expect, test } from 'vitest'
import { axiosAdapters, clients, failureOf, LIFETIME_MS, openStage, type Stage } from './stage.ts'

/** A page whose calls wait for a refresh that the server holds. */
async function openWaiting(): Promise<Stage & { readonly gate: number }> {
  const stage = await openStage()
  await stage.signIn()
  stage.pass(LIFETIME_MS)
  return { ...stage, gate: await stage.lab.hold('auth', 'refresh', 'after') }
}

describe.each(clients)('%s', (name) => {
  test('F10, F97: an AbortSignal ends the wait of its own call at once; the refresh and the others go on', async () => {
    const { lab, tokens, client, gate } = await openWaiting()
    const call = client(name)
    const controller = new AbortController()
    const given = failureOf(call('/echo?given-up', { signal: controller.signal }))
    const patient = call('/echo?patient')
    await lab.arrived(gate)
    controller.abort()
    expect(await given).toMatchObject({ name: name === 'fetch' ? 'AbortError' : 'CanceledError' })
    expect(tokens.getState().status).toBe('refreshing')
    await lab.release(gate)
    expect((await patient).status).toBe(200)
    expect(await lab.count('refresh')).toBe(1)
    expect((await lab.calls('/echo')).map(({ path }) => path)).toEqual(['/echo?patient'])
  })

  test('F97: an AbortSignal that was aborted before sends nothing and asks nobody', async () => {
    const { lab, client } = await openWaiting()
    const failure = await failureOf(client(name)('/echo', { signal: AbortSignal.abort() }))
    expect(failure).toMatchObject({ name: name === 'fetch' ? 'AbortError' : 'CanceledError' })
    expect(await lab.calls('/echo')).toEqual([])
    expect(await lab.count('refresh')).toBe(0)
  })

  test('F97: an AbortSignal takes a call in flight off the wire', async () => {
    const { lab, tokens, signIn, client } = await openStage()
    await signIn()
    const controller = new AbortController()
    const given = failureOf(client(name)(`${lab.slow}/stall`, { signal: controller.signal }))
    await lab.reached('slow', '/stall')
    controller.abort()
    expect(await given).toMatchObject({ name: name === 'fetch' ? 'AbortError' : 'CanceledError' })
    await lab.left('slow', '/stall')
    expect(tokens.getState().status).toBe('active')
  })

  test('a call that is aborted while its answer is held is not sent again when the token was refused', async () => {
    const { lab, signIn, client } = await openStage()
    await signIn()
    await lab.revokeAccessTokens()
    const gate = await lab.hold('auth', 'refresh')
    const controller = new AbortController()
    const given = failureOf(client(name)('/echo', { signal: controller.signal }))
    await lab.arrived(gate)
    controller.abort()
    await given
    await lab.release(gate)
    expect((await client(name)('/me')).status).toBe(200)
    expect(await lab.calls('/echo')).toHaveLength(1)
    expect(await lab.count('refresh')).toBe(1)
  })
})

describe.each(axiosAdapters)('axios with the %s adapter', (adapter) => {
  test('F97: the timeout covers the wait for the token', async () => {
    const { lab, axios, gate } = await openWaiting()
    const startedAt = performance.now()
    const failure = await failureOf(axios(adapter).get('/echo', { timeout: 200 }))
    expect(failure).toMatchObject({ code: 'ECONNABORTED', message: 'timeout of 200ms exceeded' })
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    await lab.release(gate)
    expect(await lab.calls('/echo')).toEqual([])
  })

  test('what the wait has left of the timeout is what the call itself may take', async () => {
    const { lab, axios, gate } = await openWaiting()
    const startedAt = performance.now()
    const failing = failureOf(axios(adapter).get(`${lab.slow}/stall`, { timeout: 1_000 }))
    await lab.arrived(gate)
    await expect.poll(() => performance.now() - startedAt, { interval: 20 }).toBeGreaterThan(600)
    await lab.release(gate)
    // Each adapter has a code of its own, and names the timeout that the caller has set.
    const code = adapter === 'xhr' ? 'ECONNABORTED' : 'ETIMEDOUT'
    expect(await failing).toMatchObject({ code, message: 'timeout of 1000ms exceeded' })
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    expect(performance.now() - startedAt).toBeGreaterThan(990)
    await lab.left('slow', '/stall')
  })

  test('F97: a cancelToken ends the wait at once, and a call in flight', async () => {
    const { lab, axios, gate } = await openWaiting()
    const api = axios(adapter)
    const waiting: CancelTokenSource = axiosStatic.CancelToken.source()
    const flying: CancelTokenSource = axiosStatic.CancelToken.source()
    const waited = failureOf(api.get('/echo', { cancelToken: waiting.token }))
    const flown = failureOf(api.get(`${lab.slow}/stall`, { cancelToken: flying.token }))
    await lab.arrived(gate)
    waiting.cancel('not any more')
    expect(await waited).toMatchObject({ name: 'CanceledError', message: 'not any more' })
    await lab.release(gate)
    await lab.reached('slow', '/stall')
    flying.cancel('nor this')
    expect(await flown).toMatchObject({ name: 'CanceledError', message: 'nor this' })
    await lab.left('slow', '/stall')
    expect(await lab.calls('/echo')).toEqual([])
  })

  test('an AbortSignal ends the reading of an answer that has begun', async () => {
    const { lab, signIn, axios } = await openStage()
    await signIn()
    const controller = new AbortController()
    let begin = (): void => {}
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const { signal } = controller
    const failing = failureOf(axios(adapter).get(`${lab.slow}/drip`, { signal, onDownloadProgress: () => begin() }))
    await begun
    controller.abort()
    expect(await failing).toMatchObject({ name: 'CanceledError' })
    await lab.left('slow', '/drip')
  })
})

describe('fetch', () => {
  test('AbortSignal.timeout covers the wait, and its TimeoutError is what the caller gets', async () => {
    const { lab, tokens, gate } = await openWaiting()
    const failure = await failureOf(createFetch(tokens)(`${lab.api}/echo`, { signal: AbortSignal.timeout(150) }))
    expect(failure).toMatchObject({ name: 'TimeoutError' })
    await lab.release(gate)
    expect(await lab.calls('/echo')).toEqual([])
  })

  test('the reason that the caller gave is what the caller gets', async () => {
    const { lab, tokens, gate } = await openWaiting()
    const reason = new Error('the view was closed')
    const controller = new AbortController()
    const failing = failureOf(createFetch(tokens)(`${lab.api}/echo`, { signal: controller.signal }))
    await lab.arrived(gate)
    controller.abort(reason)
    expect(await failing).toBe(reason)
    await lab.release(gate)
  })

  test('the caller can still abort the body of an answer that was handed over', async () => {
    const { lab, tokens, signIn } = await openStage()
    await signIn()
    const controller = new AbortController()
    const response = await createFetch(tokens)(`${lab.slow}/drip`, { signal: controller.signal })
    const reading = failureOf(response.text())
    controller.abort()
    expect(await reading).toMatchObject({ name: 'AbortError' })
    await lab.left('slow', '/drip')
  })
})
