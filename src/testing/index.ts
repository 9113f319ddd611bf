// Recordings: record, redact, replay.
export { RecordingError } from './errors.ts'
export type { RecordingErrorCode } from './errors.ts'
export { RECORDING_VERSION } from './har/format.ts'
export type {
  ExchangeKind,
  Har,
  HarContent,
  HarCreator,
  HarEntry,
  HarLog,
  HarPair,
  HarParam,
  HarPostData,
  HarRequest,
  HarResponse,
  HarTimings,
  Noise,
  Omission,
  SecretKind,
  TokenReference,
} from './har/format.ts'

// Servers that enforce.
export * from './servers/index.ts'

// Scan and sanitize.
export * from './scan/index.ts'
export { createRecorder } from './record/recorder.ts'
export type { Recorder, RecorderOptions } from './record/recorder.ts'
export type { AxiosLike } from './record/axios.ts'
export type { ManagerLike } from './record/watch.ts'
export type { RedactOptions } from './redact/har.ts'
export { readHar } from './har/read.ts'
export type { HarInput, ReadHarOptions, ReadProgress } from './har/read.ts'
export { harText, writeHar } from './har/write.ts'
export { placeholdersIn } from './redact/placeholder.ts'
