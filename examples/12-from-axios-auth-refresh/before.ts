import axios, { type AxiosError, type AxiosInstance } from 'axios'
import createAuthRefreshInterceptor from 'axios-auth-refresh'

interface Answer {
  readonly access_token: string
  readonly refresh_token: string
}

/** As applications have it: tokens in localStorage, an interceptor that sends them, and one that renews them. */
export function createClient(auth: string, origin: string): { api: AxiosInstance; login(user: object): Promise<void> } {
  const keep = ({ access_token, refresh_token }: Answer): void => {
    localStorage.setItem('access', access_token)
    localStorage.setItem('refresh', refresh_token)
  }
  const api = axios.create({ baseURL: origin })
  api.interceptors.request.use((config) => {
    config.headers.set('Authorization', `Bearer ${localStorage.getItem('access') ?? ''}`)
    return config
  })
  createAuthRefreshInterceptor(api, async (failed: AxiosError) => {
    const { data } = await axios.post<Answer>(`${auth}/json/refresh`, {
      refresh_token: localStorage.getItem('refresh'),
    })
    keep(data)
    failed.response?.config.headers.set('Authorization', `Bearer ${data.access_token}`)
  })
  return {
    api,
    async login(user) {
      const { data } = await axios.post<Answer>(`${auth}/json/login`, user)
      keep(data)
    },
  }
}
