/** Where blogs and READMEs keep tokens: localStorage. `joined`: another tab has signed in and put them there. */
export function createTokenStore(name, { issue, joined }) {
  const [access, refresh] = [`${name}.token`, `${name}.refreshToken`]
  const store = {
    get accessToken() {
      return localStorage.getItem(access)
    },
    get refreshToken() {
      return localStorage.getItem(refresh)
    },
    set({ access_token, refresh_token }) {
      localStorage.setItem(access, access_token)
      localStorage.setItem(refresh, refresh_token)
    },
  }
  if (!joined) store.set(issue())
  return store
}
