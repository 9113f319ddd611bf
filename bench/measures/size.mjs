// What the browser has to load: axios not counted, minified by esbuild and by vite, compressed as a server would.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { build as esbuild } from 'esbuild'
import { build as vite } from 'vite'
import { measure, progress } from '../lib/child.mjs'

const bench = join(import.meta.dirname, '..')

/** The smallest import that signs in, attaches and refreshes; and all that the package has for this. */
const IMPORTS = {
  tokenward: {
    smallest: `export { createTokenManager, cookieSource } from '../dist/index.js'; export { bindAxios } from '../dist/axios/index.js'`,
    full: `export * from '../dist/index.js'; export * from '../dist/axios/index.js'; export * from '../dist/storage/index.js'`,
  },
  blog: { smallest: `export { create } from './contestants/blog.mjs'` },
  'axios-auth-refresh': { smallest: `export { createAuthRefresh } from 'axios-auth-refresh'` },
  'axios-jwt': {
    smallest: `export { applyAuthTokenInterceptor, setAuthTokens, clearAuthTokens } from 'axios-jwt'`,
  },
  'oauth2-client': {
    smallest: `export { OAuth2Client, OAuth2Fetch } from '@badgateway/oauth2-client'`,
    full: `export * from '@badgateway/oauth2-client'`,
  },
  auth0: { smallest: `export { Auth0Client } from '@auth0/auth0-spa-js'`, full: `export * from '@auth0/auth0-spa-js'` },
  'oidc-client-ts': {
    smallest: `export { UserManager } from 'oidc-client-ts'`,
    full: `export * from 'oidc-client-ts'`,
  },
  okta: { smallest: `export { OktaAuth } from '@okta/okta-auth-js/core'`, full: `export * from '@okta/okta-auth-js'` },
  msal: {
    smallest: `export { PublicClientApplication } from '@azure/msal-browser'`,
    full: `export * from '@azure/msal-browser'`,
  },
  axa: { smallest: `export { OidcClient } from '@axa-fr/oidc-client'`, full: `export * from '@axa-fr/oidc-client'` },
  supabase: { smallest: `export { GoTrueClient } from '@supabase/auth-js'`, full: `export * from '@supabase/auth-js'` },
}

const external = ['axios', '@react-native-async-storage/async-storage']
const compressed = (bytes) => ({
  minified: bytes.length,
  gzip: gzipSync(bytes, { level: 9 }).length,
  brotli: brotliCompressSync(bytes).length,
})

measure(async ({ only }) => {
  const results = {}
  for (const [file, imports] of Object.entries(IMPORTS)) {
    if (only && !only.includes(file)) continue
    progress(file)
    results[file] = {}
    for (const [kind, code] of Object.entries(imports)) {
      results[file][kind] = {}
      for (const [tool, bundle] of Object.entries({ esbuild: withEsbuild, vite: withVite })) {
        results[file][kind][tool] = await bundle(code).then(compressed, (error) => ({
          doesNotApply: `cannot be bundled: ${String(error?.message ?? error).slice(0, 160)}`,
        }))
      }
    }
  }
  return { results }
})

async function withEsbuild(code) {
  const { outputFiles } = await esbuild({
    stdin: { contents: code, resolveDir: bench },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external,
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'silent',
  })
  return outputFiles[0].contents
}

async function withVite(code) {
  const folder = mkdtempSync(join(bench, '.size-'))
  try {
    const entry = join(folder, 'entry.js')
    writeFileSync(entry, code.replaceAll("'../dist", "'../../dist").replaceAll("'./contestants", "'../contestants"))
    const output = await vite({
      root: folder,
      configFile: false,
      logLevel: 'silent',
      define: { 'process.env.NODE_ENV': '"production"' },
      build: {
        write: false,
        target: 'es2022',
        minify: true,
        modulePreload: false,
        // As an application is built: a library would keep its white space.
        rolldownOptions: { input: entry, preserveEntrySignatures: 'strict', external },
      },
    })
    const chunks = [output].flat().flatMap((one) => one.output)
    return Buffer.from(
      chunks
        .filter(({ type }) => type === 'chunk')
        .map(({ code: text }) => text)
        .join('\n'),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}
