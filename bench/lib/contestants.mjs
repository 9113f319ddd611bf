import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const FILES = [
  'bare',
  'tokenward',
  'blog',
  'axios-auth-refresh',
  'axios-auth-refresh-no-dedupe',
  'axios-jwt',
  'oauth2-client',
  'auth0',
  'oidc-client-ts',
  'okta',
  'msal',
  'axa',
  'supabase',
]

/** Loads those of `only`, or all. One that cannot be loaded is reported, not dropped. */
export async function loadContestants(only = FILES) {
  const loaded = []
  for (const file of only) {
    try {
      loaded.push({ file, ...(await import(`../contestants/${file}.mjs`)) })
    } catch (error) {
      loaded.push({ file, name: file, packages: [], broken: String(error?.message ?? error) })
    }
  }
  return loaded
}

const root = join(import.meta.dirname, '..')
export function versionOf(name) {
  const path =
    name === 'tokenward' ? join(root, '..', 'package.json') : join(root, 'node_modules', name, 'package.json')
  return JSON.parse(readFileSync(path, 'utf8')).version
}
