/**
 * Opens and verifies datasets. This is the one place that knows which code reads which file format. Opening includes verifying: a
 * dataset is returned only after every file has passed its checks in the same call.
 */
import { DATASETS, findDataset, TrainingError, type DatasetName, type KnownDataset } from '@facet/shared';
import { checkCifarFile, openCifarDataset } from './cifar-dataset.js';
import type { Dataset, DatasetSource } from './dataset.js';
import { assertTrusted, findDatasetFile, type FileSet, type FileSpec } from './file-set.js';
import { checkIdxFile, openIdxDataset } from './idx-dataset.js';
import { locateFiles } from './locate.js';

/** How the files of one dataset are found, checked one by one, and read as a whole. */
interface DatasetReader {
  files(source: DatasetSource): FileSet;
  checkFile(name: string, file: string, bytes: Uint8Array): void;
  open(set: FileSet): Promise<Dataset>;
}

/** What was checked about one file. */
export interface FileReport {
  readonly name: string;
  /** Uncompressed size; null when the file could not be read. */
  readonly bytes: number | null;
  /** `md5:` or `sha256:` and hex digits; null when the file could not be read. */
  readonly digest: string | null;
  /** True when this is the file as its authors published it; a user's own file may be ok without. Null when nobody published its digest. */
  readonly isCanonical: boolean | null;
  readonly ok: boolean;
  /** What is wrong and what to do; null when ok. */
  readonly problem: string | null;
}

/** The result of {@link verifyDataset}. */
export interface DatasetReport {
  readonly name: DatasetName;
  readonly folder: string;
  readonly files: readonly FileReport[];
  /** Identity of the content, as in Dataset.sha256; null when the dataset cannot be opened. */
  readonly sha256: string | null;
  /** True when {@link openDataset} accepts the dataset. */
  readonly ok: boolean;
  /** Why the files do not make a dataset together, or the first file's problem; null when ok. */
  readonly problem: string | null;
}

/**
 * Reads a dataset into memory (MNIST 55 MB, CIFAR-10 184 MB) after checking every file of it.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when a file is absent; for CIFAR-10 the message says how to fetch it.
 * @throws TrainingError DATASET_INVALID when a file is not what it should be; the message names file, actual, expected.
 */
export async function openDataset(source: DatasetSource): Promise<Dataset> {
  const reader = readerOf(source);
  return reader.open(reader.files(source));
}

/**
 * Checks a dataset and reports on every file, also when some are wrong.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when there is no dataset to check (not installed, not fetched).
 */
export async function verifyDataset(source: DatasetSource): Promise<DatasetReport> {
  const reader = readerOf(source);
  const set = reader.files(source);
  const files: FileReport[] = [];
  for (const spec of set.files) files.push(await reportOn(set, spec, reader));
  const report = { name: source.name, folder: set.folder, files };
  const firstProblem = files.find((file) => !file.ok)?.problem ?? null;
  if (firstProblem !== null) return { ...report, sha256: null, ok: false, problem: firstProblem };
  try {
    return { ...report, sha256: (await reader.open(set)).sha256, ok: true, problem: null };
  } catch (caught) {
    return { ...report, sha256: null, ok: false, problem: TrainingError.from(caught).message };
  }
}

/**
 * The folder a dataset is read from.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when there is none (not installed, not fetched).
 */
export function datasetFolder(source: DatasetSource): string {
  return readerOf(source).files(source).folder;
}

async function reportOn(set: FileSet, spec: FileSpec, reader: DatasetReader): Promise<FileReport> {
  let read: Pick<FileReport, 'bytes' | 'digest' | 'isCanonical'> = { bytes: null, digest: null, isCanonical: false };
  try {
    const found = await findDatasetFile(set, spec);
    const { bytes, isCanonical } = found;
    read = { bytes: bytes.length, digest: `${spec.algorithm}:${found.digest}`, isCanonical };
    assertTrusted(set, spec, found);
    reader.checkFile(spec.name, found.file, bytes);
    return { name: spec.name, ...read, ok: true, problem: null };
  } catch (caught) {
    return { name: spec.name, ...read, ok: false, problem: TrainingError.from(caught).message };
  }
}

function readerOf(source: DatasetSource): DatasetReader {
  const dataset = findDataset(source.name);
  if (dataset === undefined) {
    const expected = DATASETS.join(', ');
    throw new TrainingError('CONFIG_INVALID', `there is no dataset '${source.name}'; expected one of: ${expected}`);
  }
  return { files: (from) => locateFiles(dataset, from), ...formatReader(dataset) };
}

function formatReader(dataset: KnownDataset): Omit<DatasetReader, 'files'> {
  const { files } = dataset;
  switch (files.format) {
    case 'idx': {
      const known = { ...dataset, files };
      return {
        checkFile: (name, file, bytes) => {
          checkIdxFile(known, name, file, bytes);
        },
        open: (set) => openIdxDataset(known, set),
      };
    }
    case 'cifar-binary': {
      const known = { ...dataset, files };
      return {
        checkFile: (_name, file, bytes) => {
          checkCifarFile(known, file, bytes);
        },
        open: (set) => openCifarDataset(known, set),
      };
    }
    default:
      return files satisfies never;
  }
}
