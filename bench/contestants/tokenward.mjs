// As in the README.
import { createTokenManager, jsonSource } from '../../dist/index.js'
import { bindAxios } from '../../dist/axios/index.js'

export const name = 'tokenward'
export const packages = ['tokenward']
export const ours = true

export async function create({ axios, api, auth, adapter, issue, joined }) {
  const tokens = createTokenManager({
    source: jsonSource({ login: `${auth}/login`, refresh: `${auth}/token`, logout: `${auth}/logout` }),
    resources: [api],
  })
  await (joined ? tokens.restore() : tokens.startSession(issue()))
  const instance = axios.create({ baseURL: api, ...(adapter && { adapter }) })
  bindAxios(instance, tokens)
  return { get: (path) => instance.get(path), close: () => tokens.dispose() }
}
