// The other setting: parallel 401s are not rejected.
import { createWithAuthRefresh } from '../lib/auth-refresh.mjs'

export const name = 'axios-auth-refresh, deduplicateRefresh: false'
export const packages = ['axios-auth-refresh']
export const variant = true

export const create = (world) => createWithAuthRefresh('no-dedupe', world, { deduplicateRefresh: false })
