export { encryptedStorage } from './encrypted.ts'
export { indexedDbStorage } from './plain.ts'
export type { TokenStorage } from '../ports.ts'
