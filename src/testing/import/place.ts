import { RecordingError } from '../errors.ts'

/** An object of a file that somebody else has written. */
export type Place = Readonly<Record<string, unknown>>

export function isPlace(value: unknown): value is Place {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Its members that are objects; none if it is no list. */
export function placesIn(value: unknown): Place[] {
  return Array.isArray(value) ? value.filter(isPlace) : []
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? `${value}` : ''
}

/** A number, or a text that is one: some programs write `"200"`. */
export function numberOf(value: unknown, otherwise: number): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : otherwise
}

export function invalid(message: string): RecordingError {
  return new RecordingError('invalid_import', message)
}
