import { describe, expect, test } from 'vitest'
import { setUpDemo } from '../support/demo.ts'

const demo = setUpDemo(15_000)

describe.each([
  { name: '02-json-login', afterReload: 'signed in' },
  { name: '03-cookie-login', afterReload: 'signed in' },
  // In memory only, and no other tab has the token.
  { name: '04-fetch', afterReload: 'signed-out' },
])('the example $name', ({ name, afterReload }) => {
  test('signs in, calls, has a refused token renewed, and signs out', async () => {
    const { page, url, signIn } = demo()
    await page.goto(new URL(`/${name}/`, url).href)
    await says('#status', 'signed-out')
    await press('Show the orders')
    await says('#answer', 'nobody is signed in')
    await signIn('wrong')
    await says('#answer', 'the server answered 401')
    await signIn()
    await says('#answer', 'Welcome.')
    await says('#status', 'signed in')
    await press('Show the orders')
    await says('#answer', '"item":"Tea"')

    await post('take-back')
    await press('Show the orders')
    await says('#answer', '"item":"Tea"')

    await page.reload()
    await says('#status', afterReload)
    if (afterReload === 'signed-out') await signIn()
    await says('#status', 'signed in')
    await press('Show the orders')
    await says('#answer', '"item":"Tea"')
    await press('Log out')
    await says('#status', 'signed-out')
    await page.reload()
    await says('#status', 'signed-out')
  })
})

function press(name: string): Promise<void> {
  return demo().page.getByRole('button', { name, exact: true }).click()
}

async function says(where: string, text: string): Promise<void> {
  await expect.poll(() => demo().page.locator(where).innerText(), { timeout: 10_000 }).toContain(text)
}

async function post(act: string): Promise<void> {
  await fetch(new URL(`/demo/${act}`, demo().url), { method: 'POST', headers: { 'X-Requested-With': 'test' } })
}
