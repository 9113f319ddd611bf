import { readFileSync } from 'node:fs'

interface Vectors {
  readonly dpop: {
    readonly access_token: string
    readonly ath: string
    readonly athMore: { readonly items: readonly { readonly access_token: string; readonly ath: string }[] }
    readonly proofs: readonly {
      readonly name: string
      readonly header: object
      readonly payload: {
        readonly jti: string
        readonly htm: string
        readonly htu: string
        readonly iat: number
        readonly ath?: string
      }
    }[]
    readonly nonceSyntax: { readonly valid: readonly string[]; readonly invalid: readonly string[] }
  }
  readonly htu: {
    readonly cases: readonly {
      readonly name: string
      readonly input: string
      readonly base?: string
      readonly expected: string
    }[]
    readonly htm: {
      readonly cases: readonly { readonly method: string; readonly wire?: string; readonly wireFetch?: string }[]
    }
  }
  readonly jwkThumbprint: readonly { readonly source: string; readonly jwk: JsonWebKey; readonly thumbprint: string }[]
  readonly dateSkew: {
    readonly cases: readonly {
      readonly name: string
      readonly sentMs: number
      readonly receivedMs: number
      readonly date: string | null
      readonly age?: number
      readonly expected: { readonly skewMs: number; readonly uncertaintyMs: number } | null
    }[]
  }
}

export const vectors = JSON.parse(readFileSync(new URL('../vectors.json', import.meta.url), 'utf8')) as Vectors
