export { defaultCacheFolder } from './cache-folder.js';
export { gatherSamples, type Dataset, type DatasetSource, type Split } from './dataset.js';
export { fetchDataset, type FetchOptions } from './fetch/fetch.js';
export { type FetchProgress, type OnProgress } from './fetch/progress.js';
export { openCorruptionFolder, type CorruptionFolder, type ExpectedSamples } from './corruption-folder.js';
export { openDataset, verifyDataset, type DatasetReport, type FileReport } from './open.js';
export { arrays, type ArrayFields, type ArrayPlace, type ArraysOptions } from './sources/arrays.js';
export { own, type OwnOptions } from './sources/own.js';
export {
  type Field,
  type FieldType,
  type FieldValues,
  type SampleIds,
  type SampleSource,
  type SplitName,
} from './sources/sample-source.js';
export { csv, type CsvOptions } from './sources/csv.js';
export { dataset } from './sources/dataset-source.js';
export { imageFolder, type ImageFolderOptions } from './sources/image-folder.js';
export { type ImageProgress } from './sources/image-cache.js';
export { text, type TextOptions } from './sources/text.js';
