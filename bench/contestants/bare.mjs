// axios without anything: the token is in the instance's defaults, as if it lived for ever.
export const name = 'bare axios'
export const packages = []
export const baseline = true

export async function create({ axios, api, adapter, issue }) {
  const instance = axios.create({
    baseURL: api,
    ...(adapter && { adapter }),
    headers: { Authorization: `Bearer ${issue().access_token}` },
  })
  return { get: (path) => instance.get(path) }
}
