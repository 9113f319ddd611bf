// The classic example of a bearer token is a script that logs in and sets a header:
//
//   const { data } = await axios.get(url, { headers: { Authorization: `Bearer ${token}` } })
//
// It sends the token wherever `url` or a redirect leads, fails when the token is over, prints it with every error, and
// leaves a session behind. This is the same, safe.
import axios from 'axios'
import { createTokenManager, jsonSource } from 'tokenward'
import { bindAxios } from 'tokenward/axios'

/**
 * @param {{ auth: string, api: string, email: string, password: string }} settings Two origins, and who asks.
 * @returns {Promise<unknown>} What the API says.
 */
export async function listOrders({ auth, api: origin, email, password }) {
  const tokens = createTokenManager({
    source: jsonSource({ login: `${auth}/json/login`, refresh: `${auth}/json/refresh`, logout: `${auth}/json/logout` }),
    resources: [origin],
  })
  const api = axios.create({ baseURL: origin })
  bindAxios(api, tokens)
  try {
    await tokens.login({ email, password })
    const { data } = await api.get('/orders')
    return data
  } finally {
    // Whatever happened: the session ends at the server too.
    await tokens.logout()
    tokens.dispose()
  }
}

if (import.meta.filename === process.argv[1]) {
  const { AUTH: auth, API: api, EMAIL: email, PASSWORD: password } = process.env
  console.log(await listOrders({ auth, api, email, password }))
}
