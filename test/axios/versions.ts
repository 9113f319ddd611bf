import type { AxiosStatic } from 'axios'
import { vi } from 'vitest'
import type { bindAxios as Bind } from '../../src/axios/index.ts'

/** Both ends of the range of axios that is supported. */
export const versions = ['axios', 'axios-1-8']

/** The binding as an application with this version of axios has it. */
export async function load(version: string): Promise<{ axios: AxiosStatic; bindAxios: typeof Bind }> {
  vi.resetModules()
  vi.doMock('axios', () => vi.importActual(version))
  const { bindAxios } = await import('../../src/axios/index.ts')
  const { default: axios } = await vi.importActual<{ default: AxiosStatic }>(version)
  return { axios, bindAxios }
}
