import { createTokenStore } from '../lib/token-store.mjs'

// The interceptor that people copy: a flag, a queue, `_retry`. The same in hundreds of posts and answers.
export const name = 'blog interceptor'
export const packages = []

export const create = (world) => createBlog(world, createTokenStore('blog', world))

export function createBlog({ axios, api, auth, adapter }, tokens) {
  const instance = axios.create({ baseURL: api, ...(adapter && { adapter }) })
  let isRefreshing = false
  let failedQueue = []

  const processQueue = (error, fresh = null) => {
    failedQueue.forEach((waiting) => {
      if (error) waiting.reject(error)
      else waiting.resolve(fresh)
    })
    failedQueue = []
  }

  instance.interceptors.request.use((config) => {
    config.headers.Authorization = `Bearer ${tokens.accessToken}`
    return config
  })
  instance.interceptors.response.use(
    (response) => response,
    (error) => {
      const originalRequest = error.config
      if (error.response?.status !== 401 || originalRequest._retry) return Promise.reject(error)
      if (isRefreshing) {
        return new Promise((resolve, reject) => {
          failedQueue.push({ resolve, reject })
        }).then((fresh) => {
          originalRequest.headers.Authorization = `Bearer ${fresh}`
          return instance(originalRequest)
        })
      }
      originalRequest._retry = true
      isRefreshing = true
      return new Promise((resolve, reject) => {
        axios
          .post(`${auth}/token`, { refresh_token: tokens.refreshToken }, adapter && { adapter })
          .then(({ data }) => {
            tokens.set(data)
            originalRequest.headers.Authorization = `Bearer ${tokens.accessToken}`
            processQueue(null, tokens.accessToken)
            resolve(instance(originalRequest))
          })
          .catch((failure) => {
            processQueue(failure)
            reject(failure)
          })
          .finally(() => {
            isRefreshing = false
          })
      })
    },
  )
  return { get: (path) => instance.get(path) }
}
