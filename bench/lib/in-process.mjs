// The model behind an axios adapter and a fetch, without a network: what is left is what the contestants cost.
import axios from 'axios'
import { metadata } from './metadata.mjs'
import { createModel, tokenRequestOf } from './model.mjs'

const API = 'https://api.example.com'
const AUTH = 'https://auth.example.com'

const JSON_HEADERS = { 'content-type': 'application/json' }

/** @param options.gate awaited before an answer to a refresh; @param options.apiGate before an answer of the API */
export function createInProcess({ gate, apiGate, ...options } = {}) {
  const model = createModel(options)

  async function answerTo(url, authorization, body) {
    if (url.startsWith(AUTH)) {
      if (url.includes('openid-configuration')) return { status: 200, body: metadata(AUTH) }
      await (gate?.() ?? new Promise((resolve) => setImmediate(resolve)))
      return model.refresh(tokenRequestOf(body), url)
    }
    const answer = model.call(authorization)
    await apiGate?.(answer)
    return answer
  }

  const adapter = async (config) => {
    const url = /^https?:/.test(config.url) ? config.url : (config.baseURL ?? '') + config.url
    const { status, body } = await answerTo(url, config.headers.get('Authorization'), config.data)
    const response = { status, statusText: '', data: JSON.stringify(body), headers: JSON_HEADERS, config, request: {} }
    if (config.validateStatus(status)) return response
    throw new axios.AxiosError(`status ${status}`, axios.AxiosError.ERR_BAD_REQUEST, config, response.request, response)
  }

  const fetch = async (input, init = {}) => {
    const request =
      typeof input === 'object' && 'url' in input ? input : new Request(String(input), { ...init, signal: null })
    const text = request.method === 'GET' ? '' : await request.clone().text()
    const { status, body } = await answerTo(request.url, request.headers.get('authorization'), text)
    return new Response(JSON.stringify(body), { status, headers: JSON_HEADERS })
  }

  return {
    api: API,
    auth: AUTH,
    axios,
    adapter,
    fetch,
    model,
    issue: model.issue,
    counts: async () => ({ ...model.counts }),
  }
}
