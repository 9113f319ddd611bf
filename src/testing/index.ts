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

// Record and replay.
export { createRecorder } from './record/recorder.ts'
export type { Recorder, RecorderOptions } from './record/recorder.ts'
export type { AxiosLike } from './record/axios.ts'
export type { ManagerLike } from './record/held.ts'
export type { Include } from './record/filter.ts'
export type { RedactOptions } from './redact/har.ts'
export { readHar } from './har/read.ts'
export type { HarInput, ReadHarOptions, ReadProgress } from './har/read.ts'
export { harText, writeHar } from './har/write.ts'
export { placeholdersIn } from './redact/placeholder.ts'
export { replay } from './replay/replay.ts'
export type { ReplayOptions } from './replay/replay.ts'
export type { ReplayReport, ReplayResult } from './replay/report.ts'
export type { Assertions, Difference } from './replay/compare.ts'
export type { BaseUrl } from './replay/request.ts'
export { firstOf, fromEnv, fromLogin, fromManager } from './replay/providers.ts'
export type {
  LoginResult,
  TokenGiver,
  TokenProvider,
  TokenVariant,
  TokenWanted,
  Transport,
} from './replay/providers.ts'
export { mint } from './replay/mint.ts'
export type { MintOptions, SigningAlgorithm } from './replay/mint.ts'
export { authMatrix } from './matrix/matrix.ts'
export type { AuthMatrixOptions } from './matrix/matrix.ts'
export type { AuthCase } from './matrix/cases.ts'
export type { MatrixReport, MatrixResult } from './matrix/report.ts'
export { findNoise, withNoise } from './replay/noise.ts'

// For other tools, and from them.
export * from './export/index.ts'
export * from './import/index.ts'
export { toMockFile } from './generate/mock-file.ts'
export type { MockFileOptions } from './generate/mock-file.ts'
export { toTestFile } from './generate/test-file.ts'
export type { TestFileOptions, TestRunner } from './generate/test-file.ts'
// Simulated tabs, and what judges them.
export { createSimulation } from './sim/simulation.ts'
export type { Mode, SimulatedTab, Simulation, SimulationOptions, TabPlace } from './sim/simulation.ts'
export type { Condition, Faults as SimFaults, Moment, SimOrigin, SimTab } from './sim/tab.ts'
export type { App, Asking } from './sim/app.ts'
export type { Access as SimAccess, AuthModel, Family as SimFamily, Issuing } from './sim/auth-model.ts'
export type { NarrowName } from './sim/apis.ts'
export type { Fate } from './sim/fates.ts'
export type { ProofRules as SimProofRules } from './sim/proofs.ts'
export type { Network, Outgoing } from './sim/network.ts'
export type { Reply as SimReply } from './sim/reply.ts'
export { check, createChecker } from './sim/checker/index.ts'
export type { Breach, Checker } from './sim/checker/index.ts'
export type { Entry, History, Medium, Method, Operation, Setup, Snapshot } from './sim/checker/history.ts'
export { tellStory } from './sim/story.ts'
