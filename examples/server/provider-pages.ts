const page = (title: string, form: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>The provider: ${title}</title>
<style>body { font: 1rem/1.5 system-ui; max-width: 22rem; margin: 4rem auto; padding: 0 1rem } input, button { font: inherit; padding: .4rem .6rem }</style>
<h1>${title}</h1>
<form method="post">${form}</form>
</html>`

/** Asks who it is. */
export const signInPage = page(
  'Sign in',
  `<p><label for="user">Name</label><br><input id="user" name="user" autocomplete="username" autofocus></p>
  <p><button>Sign in</button> <button name="cancel" value="yes">Cancel</button></p>`,
)

/** Asks somebody who is signed in for one thing more. */
export function confirmPage(user: string): string {
  const name = user.replace(/[&<>"]/g, (character) => `&#${String(character.charCodeAt(0))};`)
  return page(
    'Confirm that it is you',
    `<p>Signed in as ${name}. Any code will do.</p><input type="hidden" name="user" value="${name}">
  <p><label for="code">Code</label><br><input id="code" name="code" autocomplete="one-time-code" autofocus></p>
  <p><button>Confirm</button> <button name="cancel" value="yes">Cancel</button></p>`,
  )
}
