import { inject } from 'vitest'
import type { Fault } from 'tokenward/testing'
import type { LabMethods, LabOrigins } from '../support/lab.ts'

/** Servers of one test's own, asked over HTTP. */
export type RemoteLab = LabOrigins & {
  readonly [K in keyof LabMethods]: (...args: Parameters<LabMethods[K]>) => Promise<Awaited<ReturnType<LabMethods[K]>>>
} & { close(): Promise<void> }

type Settings = Parameters<LabMethods['settings']>[0]

export async function openLab(settings: Settings = {}): Promise<RemoteLab> {
  const { id, origins } = (await control('open', [settings])) as { id: string; origins: LabOrigins }
  return new Proxy({} as RemoteLab, {
    get(_, name: string) {
      if (name === 'then') return undefined
      return name in origins
        ? origins[name as keyof LabOrigins]
        : (...args: unknown[]) => control(`${id}/${name}`, args)
    },
  })
}

async function control(path: string, args: unknown[]): Promise<unknown> {
  const init = { method: 'POST', body: JSON.stringify(args), credentials: 'include' } as const
  const response = await fetch(`${inject('control')}/${path}`, init)
  if (!response.ok) throw new Error(await response.text())
  return response.json()
}

/** A 401 of an API that lets no page read its `WWW-Authenticate`. */
export function hiddenChallenge(): Fault {
  const headers = {
    'WWW-Authenticate': 'Bearer error="invalid_token"',
    'Access-Control-Allow-Origin': location.origin,
    'Access-Control-Allow-Credentials': 'true',
  }
  return { answer: { status: 401, headers, body: '{}' }, withoutCors: true }
}
