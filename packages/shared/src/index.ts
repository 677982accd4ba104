export { formatAddress, parseAddress, parseHost, type Address, type HostWithPort } from './address.js';
export { homeFolder } from './disk/home-folder.js';
export { AUTO_HOST, isEveryAddress, listeningHost, reachableHost } from './net/listening-host.js';
export { isLoopback, systemRoute, type Route, type RouteTo } from './net/route.js';
export { pause, repeat, systemClock, type Clock } from './clock.js';
export {
  makePrivateFolder,
  PRIVATE_FILE,
  PRIVATE_FOLDER,
  syncFile,
  syncFolder,
  writeDurableFile,
  writeWhole,
} from './disk/durable-files.js';
export { makeFolder } from './disk/make-folder.js';
export { openRegularFile, readRegularFile, readRegularText, type RegularFile } from './disk/regular-file.js';
export { diskRefusal } from './disk/disk-refusal.js';
export { environmentFetch } from './environment-fetch.js';
export { ERROR_GUIDE, plainGuide, type ErrorGuide } from './error-guide.js';
export { TrainingError, parseErrorCode, type ErrorCode } from './errors.js';
export { permutation, randomKey, randomStream, shuffled, type Purpose, type RandomStream } from './random.js';
export {
  ARITHMETIC,
  CONFIG_VERSION,
  configSchema,
  GRADIENT_FORMATS,
  moduleTask,
  MOST_WORKERS,
  type GradientFormatName,
  type ModuleTask,
  type RunConfig,
  type TrainingConfig,
} from './config/schema.js';
export { atMost } from './config/bounds.js';
export { fromFirstForm } from './config/first-form.js';
export type { NamedTask, NamedTasks, SaidOptions, TaskPreset } from './config/named-task.js';
export { shortKey } from './config/short-keys.js';
export { soundValue } from './config/sound-value.js';
export {
  ADAMW_WITH_COSINE,
  type OptimizerConfig,
  type OptimizerName,
  type ScheduleName,
} from './config/optimizer-schema.js';
export { operationPart, trainingIdentity, trainingPart } from './config/training-part.js';
export { meetsGoal, metricProblems, parseStopRule, type StopRule } from './config/stop-rules.js';
export { SCHEDULE_WAYS, type RunChange, type ScheduleWay } from './config/change-schema.js';
export {
  asStarted,
  CHANGEABLE_KEYS,
  changeBetween,
  stepRule,
  withChange,
  type Changeable,
  type StepRule,
} from './config/run-changes.js';
export { ADAMW_RECIPE, OPERATION_DEFAULTS, TASK_TRAINING, WHOLE_DATASET } from './config/defaults.js';
export { configKeys, type ConfigKeys } from './config/config-keys.js';
export { shown } from './config/expectation.js';
export { keyMeantBy } from './config/key-aliases.js';
export { threadsOrCores, usableCores } from './machine-cores.js';
export {
  allocateField,
  describeField,
  describeFields,
  FIELD_TYPES,
  fieldLength,
  imageFields,
  imageShapeOf,
  isOfType,
  packSamples,
  sampleBytes,
  unpackSamples,
  type FieldType,
  type FieldValues,
  type SampleBatch,
  type SampleField,
  type SampleFields,
} from './samples/sample-fields.js';
export type { DatasetShape, ImageShape } from './image-shape.js';
export {
  DATASETS,
  datasetDefinition,
  datasetShape,
  findDataset,
  type DatasetName,
  type KnownDataset,
} from './datasets/registry.js';
export {
  type CifarFiles,
  type DatasetFamily,
  type DatasetFile,
  type DatasetTraits,
  type IdxFiles,
} from './datasets/definition.js';
export { CIFAR10 } from './datasets/cifar10.js';
export { MNIST } from './datasets/mnist.js';
export { crc32, formatCrc32 } from './crc32.js';
export {
  formatRecord,
  parseRecord,
  type ChangeRecord,
  type CommitRecord,
  type GenerationRecord,
  type LedgerRecord,
  type ParsedRecord,
  type RunRecord,
} from './ledger/ledger-record.js';
export { stepsPerEpoch } from './plan/steps-per-epoch.js';
export { LedgerTail } from './ledger/ledger-tail.js';
export { LedgerReader, type DamagedLine, type LedgerEnd } from './ledger/read-ledger.js';
export { LedgerChain } from './ledger/ledger-chain.js';
export { checkLedger, LedgerChecker, type LedgerReport } from './ledger/check-ledger.js';
export type { EpochReport } from './ledger/epoch-counts.js';
export {
  checkLedgerFile,
  readLedgerFile,
  readLedgerRecords,
  readRunHistory,
  type LedgerVerdict,
} from './disk/ledger-on-disk.js';
export { historyItem } from './history/item-of-record.js';
export type { EvaluationItem, EventItem, HistoryItem, Member, RunItem, StepItem } from './history/history-item.js';
export { RunHistory, type HistoryPoint, type HistoryState, type HistoryView } from './history/run-history.js';
export {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensors,
  type Tensor,
  type TensorValues,
} from './safetensors.js';
export { fromTensors, toTensors, type ParameterLayout } from './flat-tensors.js';
export {
  changeOfState,
  changeOfWeights,
  momentsCrc,
  parseRunFile,
  stateCrc,
  stateParts,
  type StateChecks,
  type StateSnapshot,
  type CheckpointInfo,
  type FileSeal,
  type EvaluatedWeights,
  type PerFile,
  type RunFile,
  type SampleFacts,
  type TableFacts,
  type TensorFileName,
  type TrainingState,
} from './checkpoint-format.js';
export {
  createPlan,
  evenSplit,
  rangeOfRank,
  splitByShares,
  type MicroBatchRange,
  type Plan,
  type WorkSplit,
  type WorkItem,
} from './plan/plan.js';
export { chooseSamples, sampleProblems } from './plan/sample-split.js';
export { checkDigitBound, sampleChecksum } from './plan/accounting.js';
export {
  decodeShardMessage,
  encodeShardMessage,
  shardMessageBytes,
  shardStreamName,
  shardSubject,
  shardSubjectFilter,
  type ShardMessage,
} from './wire/shard-message.js';
export {
  decodeLeaseEntry,
  encodeLeaseEntry,
  isSignedLeaseEntry,
  signLeaseEntry,
  LEASE_STREAM,
  LEASE_SUBJECTS,
  leaseSubject,
  type LeaseEntry,
  UNKNOWN_LEASE_ENTRY,
} from './wire/lease-entry.js';
export { configFileSchema, descriptionOf, type DescribedSchema } from './config/described.js';
export { canonicalJson } from './config/canonical-json.js';
export { changedTrainingKeys } from './config/changed-keys.js';
export { closestName, suggestion } from './config/closest-name.js';
export {
  DEVICES,
  ENGINE_DEVICES,
  ENGINE_NAMES,
  attackProblem,
  choiceAdvice,
  engineProblem,
  trainingWish,
  wishFor,
  type Device,
  type EngineName,
  type EngineWish,
} from './config/engines.js';
export { ENVIRONMENT_VARIABLES, withoutConfigVariables, type Environment } from './config/environment.js';
export { isMapping, mergeMappings, nest, valueAt, type ConfigSource, type Mapping } from './config/layers.js';
export { maskSecrets, withoutSecrets } from './config/mask-secrets.js';
export { resolveConfig, type ConfigInput, type ConfigResolution } from './config/resolve-config.js';
export { isRunName, RUN_NAME_EXPECTATION } from './config/run-name.js';
export { wilsonInterval, type Interval } from './wilson-interval.js';
export { escapeInJson, visibleJson, visibleLine, visibleText, visibleValues } from './visible-text.js';
export { type BrokerPatience } from './wire/broker-patience.js';
export { connectBroker, type BrokerClient, type BrokerCredentials, type BrokerTls } from './wire/broker-connection.js';
export { inboxOf, type BrokerRole } from './wire/broker-inbox.js';
export {
  demandsMaxBytes,
  ConsumerWatch,
  addOrFind,
  isStreamMissing,
  whileElecting,
  replicaProblem,
  type Patience,
  type ReplicaWish,
} from './wire/broker-streams.js';
export { borrowLogin, maskUrl } from './wire/masked-url.js';
export { decodePeerList, encodePeerList, type GenerationPeer } from './wire/peer-list.js';
export { brokerLogin, brokerServers, brokerUrlProblem, type BrokerServer } from './wire/broker-login.js';
export { memoryRefusal } from './memory-refusal.js';
export { brokerFailure, isBrokerRefusal } from './wire/broker-failure.js';
export { isSameSecret, JOIN_NONCE_BYTES, RunToken, type JoinChallenge, type JoinKeys } from './secrets/run-token.js';
export {
  OPERATOR_TOKEN_FILE,
  operatorTokenOf,
  readOperatorToken,
  readToken,
  TOKEN_FILE,
  tokenOf,
  withoutOperatorToken,
  withTokenFile,
} from './disk/token-source.js';
export { OperatorToken, type OperatorChallenge, type OperatorOrder } from './secrets/operator-token.js';
export {
  decodeWelcomeSecrets,
  encodeWelcomeSecrets,
  WELCOME_LABEL,
  type WelcomeSecrets,
} from './secrets/welcome-secrets.js';
export { LeaseSigner, LeaseVerifier } from './secrets/lease-signature.js';
export {
  COORDINATOR_GENERATION,
  decodePasses,
  encodePasses,
  passesLabel,
  PassSigner,
  PassVerifier,
  type ExchangePasses,
  type FramesAsked,
  type StateAsked,
  type StatePass,
} from './secrets/exchange-pass.js';
export { SHARD_SEAL_BYTES, shardKeyLabel, ShardSeal } from './secrets/shard-seal.js';
