import { afterEach, describe, expect, test } from 'vitest'
import { setUpDemo } from '../support/demo.ts'

/** Long enough that nothing is refreshed because of its age while a test looks at something else. */
const demo = setUpDemo(10_000)

afterEach(async () => {
  const headers = { 'X-Requested-With': 'test' }
  await fetch(new URL('/demo/situation', demo().url), { method: 'POST', headers, body: '{"name":"none"}' })
})

const EXPLAINED = '#why'
const OUTCOME = '#outcome'

describe('what can be clicked while all is well', () => {
  test('fifty calls whose token is refused are served by one refresh, and drawn', async () => {
    const { page, signIn, status, logged } = demo()
    await signIn()
    await status('You are signed in.')
    await press('Take back the access tokens')
    await press('Fifty at once')
    await says(OUTCOME, '50 of 50 calls answered. On the wire: 100 requests and 1 refresh.')
    await press('Fifty at once')
    await says(OUTCOME, '50 of 50 calls answered. On the wire: 50 requests')
    await logged(/^.*50 times GET \/orders → 401, token/)
    await logged('because the API refused it')
    await expect.poll(() => page.locator('#timeline .request').count()).toBe(100)
    await expect.poll(() => page.locator('#timeline .request .refused').count()).toBe(50)
    await expect.poll(() => page.locator('#timeline .request .ok').count()).toBe(100)
  })

  test('an upload shows how far it is until it is done, whatever is called meanwhile', async () => {
    const { page, signIn } = demo()
    await signIn()
    const progress = page.locator('#uploaded')
    const shown = await progress.evaluateHandle((bar) => {
      const values: number[] = []
      const note = (): number => values.push((bar as HTMLProgressElement).value)
      new MutationObserver(note).observe(bar, { attributeFilter: ['value'] })
      return values
    })
    const whenHidden = await page.locator('#uploading').evaluateHandle((row) => {
      const values: number[] = []
      const bar = row.querySelector('progress')
      const note = (): unknown => row.hasAttribute('hidden') && values.push(bar?.value ?? 0)
      new MutationObserver(note).observe(row, { attributeFilter: ['hidden'] })
      return values
    })
    await press('Upload a file')
    await press('Call the API')
    await says(OUTCOME, 'The file of 16 MiB has arrived. On the wire: 1 request')
    const values = await shown.jsonValue()
    expect(values.some((value) => value > 0 && value < 1)).toBe(true)
    expect(values).toEqual(values.toSorted((a, b) => a - b))
    expect(await whenHidden.jsonValue()).toEqual([1])
    expect(await progress.isVisible()).toBe(false)
  })

  test('a call that must not be cut off by an expiry is sent with a token that lives long enough', async () => {
    const { page, signIn } = demo()
    await signIn()
    // Nine tenths of a life are always enough: here 9 of 10 seconds.
    await page.getByText(/^[5-9] s left$/).waitFor()
    await press('A call not to be cut off')
    await says(OUTCOME, 'it was renewed first. On the wire: 1 request and 1 refresh.')
  })

  test('another origin gets the call without the token', async () => {
    const { page, signIn, logged } = demo()
    await signIn()
    await press('Call another origin')
    await says(OUTCOME, 'Another origin got the call, and no token.')
    expect(await page.getByLabel('Answer of the API').innerText()).toContain('"gotToken": false')
    await logged(/Token withheld from http:\/\/127\.0\.0\.1:\d+: not-a-resource/)
    await page.locator('#timeline .request .bare').waitFor({ state: 'attached' })
  })

  test('the log knows a token by the fingerprint that the servers know it by', async () => {
    const { page, signIn, url } = demo()
    await signIn()
    await press('Call the API')
    const line = page.getByRole('log').getByText(/GET \/orders → 200, token/)
    const [, fingerprint] = /token ([\w-]{12})$/.exec(await line.innerText()) ?? []
    const log = (await (await fetch(new URL('/control/log', url))).json()) as {
      api: { path: string; presented: string }[]
    }
    expect(log.api.findLast(({ path }) => path === '/api/orders')?.presented).toBe(fingerprint)
  })

  test('the timeline can be held, and a second window opened beside this one', async () => {
    const { page, signIn, status } = demo()
    await signIn()
    await status('You are signed in.')
    const place = (): Promise<string | null> => page.locator('#timeline svg > g[transform]').getAttribute('transform')
    const before = await place()
    await expect.poll(place).not.toBe(before)
    await press('Pause')
    await page.getByRole('button', { name: 'Pause', pressed: true }).waitFor()
    // A frame that was asked for before the click is drawn.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)))
    const held = await place()
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 120)))
    expect(await place()).toBe(held)

    const [beside] = await Promise.all([page.waitForEvent('popup'), press('Open one beside this')])
    await beside.getByText('You are signed in.').waitFor()
    await beside.getByLabel('API answers 401, always').check()
    // The servers are the same for all tabs, and so are the switches.
    await expect.poll(() => page.getByLabel('API answers 401, always').isChecked()).toBe(true)
    await beside.getByLabel('Nothing goes wrong').check()
    await expect.poll(() => page.getByLabel('Nothing goes wrong').isChecked()).toBe(true)
  })
})

describe('trouble with a refresh keeps the session, and the page says why', () => {
  test.each([
    ['Refresh answers 503', 'The server answered 503: it has trouble, and refused nothing.'],
    ['Refresh meets a captive portal', 'A page of HTML answered in place of the server'],
    ['Refresh gets no answer', 'No answer came: the request may be lost, or only its answer.'],
  ])('%s', async (situation, why) => {
    const { page, signIn, status, logged } = demo()
    await signIn()
    await status('You are signed in.')
    await set(situation)
    await press('Take back the access tokens')
    await press('Call the API')
    await status('You are still signed in.')
    await says(EXPLAINED, why)
    await says(EXPLAINED, 'That is no reason to sign anybody out.')
    await says(OUTCOME, 'The API refused the token, and no new one can be had right now.')
    await logged(/Refresh failed: refresh_unavailable, next try at/)
    await page.locator('#timeline .state.stale').waitFor({ state: 'attached' })
    await page.locator('#timeline .refresh .failed').first().waitFor({ state: 'attached' })
    await set('Nothing goes wrong')
    await page.locator('#state[data-status=active]').waitFor()
    await press('Call the API')
    await says(OUTCOME, 'Answered. On the wire: 1 request and 0 refreshes.')
  })

  test('Refresh answers 429: nobody asks before the server wants to be asked, not even when it is well again', async () => {
    const { page, signIn, status } = demo()
    await signIn()
    await status('You are signed in.')
    await set('Refresh answers 429')
    await press('Take back the access tokens')
    await press('Call the API')
    await says(EXPLAINED, 'it is not asked before its Retry-After')
    await says(OUTCOME, 'On the wire: 1 request and 1 refresh.')
    await set('Nothing goes wrong')
    await press('Call the API')
    await says(OUTCOME, 'On the wire: 1 request and 0 refreshes.')
    expect(await page.locator('#status').innerText()).toBe('You are still signed in.')
    await press('Log out')
    await status('You have logged out.')
  })

  test('Offline: calls fail, nobody is signed out, and it goes on by itself', async () => {
    const { page, signIn, status } = demo()
    await signIn()
    await status('You are signed in.')
    await set('Offline')
    await press('Call the API')
    await says(OUTCOME, 'No connection to the API. The call was not repeated: it may have arrived.')
    await status('You are signed in.')
    await page.getByText(/^[5-9] s left$/).waitFor()
    await press('A call not to be cut off')
    await says(OUTCOME, 'No new token can be had right now, so the call was not sent.')
    await status('You are still signed in.')
    await set('Nothing goes wrong')
    await press('Call the API')
    await says(OUTCOME, 'Answered')
    await status('You are signed in.')
  })
})

describe('what the API does to the session', () => {
  test('API answers 401, always: one refresh, one more try, and the caller gets the 401', async () => {
    const { signIn, status, logged } = demo()
    await signIn()
    await press('Call the API')
    await says(OUTCOME, 'Answered.')
    await set('API answers 401, always')
    await press('Call the API')
    await says(OUTCOME, 'The API refused even a token that had just been renewed.')
    await says(OUTCOME, 'On the wire: 2 requests and 1 refresh.')
    await press('Call the API')
    await says(OUTCOME, 'On the wire: 1 request and 0 refreshes.')
    await status('You are signed in.')
    await logged('Alert: fresh-token-refused')
  })

  test('API redirects to another origin: the token stays behind', async () => {
    const { signIn, status } = demo()
    await signIn()
    await set('API redirects to another origin')
    await press('Call the API')
    await says(OUTCOME, 'Another origin got the call, and no token.')
    await status('You are signed in.')
  })
})

describe('what ends the session', () => {
  test('a clear answer of the server does', async () => {
    const { signIn, status, logged } = demo()
    await signIn()
    await status('You are signed in.')
    await press('End all sessions')
    await press('Call the API')
    await status('The server ended your session. Please sign in again.')
    await says(EXPLAINED, 'refused the refresh token itself')
    await logged('Signed out: the refresh token was refused')
  })

  test('a lost answer does not; the refusal that follows from it does, and the page tells one from the other', async () => {
    const { signIn, status, logged } = demo()
    await signIn()
    await status('You are signed in.')
    await set('Refresh is done, its answer lost')
    await press('Take back the access tokens')
    await press('Call the API')
    await status('You are still signed in.')
    await says(EXPLAINED, 'No answer came')
    await status('An answer was lost, and your session with it. Please sign in again.')
    await says(EXPLAINED, 'The answer to a refresh was lost on its way, so the refresh token may have been used up.')
    await logged('Signed out: the refresh token was refused, after an answer that was lost')

    await signIn()
    await status('You are signed in.')
    await set('Refresh is done, its answer lost')
    await press('Take back the access tokens')
    await press('Call the API')
    await says(EXPLAINED, 'No answer came')
  })
})

test('the keyboard comes by everything, in the order in which it is read', async () => {
  const { page, signIn, status } = demo()
  await signIn()
  await status('You are signed in.')
  await page.locator('#status').focus()
  const passed: (string | undefined)[] = []
  do {
    await page.keyboard.press('Tab')
    passed.push(await page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent?.trim()))
  } while (passed.at(-1) !== 'events' && passed.length < 30)
  expect(passed).toEqual([
    ...['log-out', 'call', 'fifty', 'upload', 'long', 'elsewhere', 'often'],
    // The switches are one stop; the arrows go through them.
    ...['', 'take-back', 'end-sessions', 'Open another tab', 'beside', 'pause', 'events'],
  ])
  await page.getByLabel('Nothing goes wrong').focus()
  await page.keyboard.press('ArrowDown')
  await says('#expected', 'The session stays.')
  await page.keyboard.press('ArrowUp')
  await says('#expected', '')
})

function press(name: string): Promise<void> {
  return demo().page.getByRole('button', { name, exact: true }).click()
}

/** Puts the servers into a situation, and waits until they are. */
async function set(situation: string): Promise<void> {
  const { page } = demo()
  await Promise.all([
    page.waitForResponse((response) => response.url().endsWith('/demo/situation')),
    page.getByLabel(situation).click(),
  ])
}

async function says(where: string, text: string): Promise<void> {
  await expect.poll(() => demo().page.locator(where).innerText(), { timeout: 10_000 }).toContain(text)
}
