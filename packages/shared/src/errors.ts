/**
 * One error type for everything that can go wrong. The code says what happened. `isUsage`: the person who typed the command
 * can mend it (exit code 2). `isRetryable`: the next generation may succeed. Expected outcomes (no quorum, duplicate
 * delivery) are values, not errors.
 */

const USAGE_CODES = [
  'BROKER_NOT_FOUND',
  'BROKER_NO_JETSTREAM',
  'BROKER_REFUSED',
  'BROKER_UNREACHABLE',
  'CAPTURE_UNSUPPORTED',
  'CERTIFICATE_INVALID',
  'CERTIFICATE_REFUSED',
  'CHECKPOINT_INCOMPATIBLE',
  'CHECKPOINT_INVALID',
  'CONFIG_INVALID',
  'COORDINATOR_UNREACHABLE',
  'DATASET_INVALID',
  'DATASET_UNAVAILABLE',
  'DISK_REFUSED',
  'ENGINE_UNAVAILABLE',
  'HOST_UNREACHABLE',
  'IMAGE_INVALID',
  'LEDGER_INVALID',
  'MEMORY_REFUSED',
  'OUTPUT_EXISTS',
  'PORT_BUSY',
  'RUN_EXISTS',
  'RUN_LOCKED',
  'RUN_MISMATCH',
  'RUN_NAME_INVALID',
  'RUN_NOT_FOUND',
  'STORE_REFUSED',
  'STORE_UNREACHABLE',
  'STUDY_CHANGED',
  'TASK_INVALID',
  'TOKEN_INVALID',
  'VERSION_MISMATCH',
] as const;

const RETRYABLE_CODES = ['FRAME_INVALID', 'PEER_UNAVAILABLE', 'SHARD_TIMEOUT', 'STALE', 'STEP_TIMEOUT'] as const;

const FATAL_CODES = [
  'ACCOUNTING',
  'CANCELLED',
  'DESYNC',
  'EXPORT_MISMATCH',
  'INTERNAL',
  'NON_FINITE',
  'SHARD_INVALID',
  'STRAGGLER',
] as const;

export type ErrorCode = (typeof USAGE_CODES)[number] | (typeof RETRYABLE_CODES)[number] | (typeof FATAL_CODES)[number];

const usageCodes: ReadonlySet<string> = new Set(USAGE_CODES);
const retryableCodes: ReadonlySet<string> = new Set(RETRYABLE_CODES);
const allCodes: ReadonlySet<string> = new Set([...USAGE_CODES, ...RETRYABLE_CODES, ...FATAL_CODES]);

/** An error with a stable code. The message holds the actual and the expected value and what to do. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** True when the person who started the command can mend it: the command exits with 2. */
  get isUsage(): boolean {
    return usageCodes.has(this.code);
  }

  /** True when the step may succeed in the next generation. */
  get isRetryable(): boolean {
    return retryableCodes.has(this.code);
  }

  /** Normalises anything caught; a TrainingError passes through unchanged. */
  static from(caught: unknown, code: ErrorCode = 'INTERNAL'): TrainingError {
    if (caught instanceof TrainingError) return caught;
    const message = caught instanceof Error ? caught.message : String(caught);
    return new TrainingError(code, message, { cause: caught });
  }
}

/** Reads a code that crossed a wire; an unknown one becomes INTERNAL. */
export function parseErrorCode(text: string): ErrorCode {
  return allCodes.has(text) ? (text as ErrorCode) : 'INTERNAL';
}
