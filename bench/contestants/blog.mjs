// The interceptor that people copy: a flag, a queue, `_retry`. The same in hundreds of posts and answers.
export const name = 'blog interceptor'
export const packages = []

export async function create({ axios, api, auth, adapter, issue }) {
  const instance = axios.create({ baseURL: api, ...(adapter && { adapter }) })
  let { access_token: token, refresh_token: refreshToken } = issue()
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
    config.headers.Authorization = `Bearer ${token}`
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
          .post(`${auth}/token`, { refresh_token: refreshToken }, adapter && { adapter })
          .then(({ data }) => {
            token = data.access_token
            refreshToken = data.refresh_token
            originalRequest.headers.Authorization = `Bearer ${token}`
            processQueue(null, token)
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
