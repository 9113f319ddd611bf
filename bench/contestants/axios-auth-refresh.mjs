import { createWithAuthRefresh } from '../lib/auth-refresh.mjs'

export const name = 'axios-auth-refresh'
export const packages = ['axios-auth-refresh']

export const create = (world) => createWithAuthRefresh('auth-refresh', world)
