export { defaultCacheFolder } from './cache-folder.js';
export {
  DATASET_NAMES,
  gatherSamples,
  type Dataset,
  type DatasetName,
  type DatasetSource,
  type ImageShape,
  type Split,
} from './dataset.js';
export { fetchDataset, type FetchOptions } from './fetch/fetch.js';
export { type FetchProgress, type OnProgress } from './fetch/progress.js';
export { openCorruptionFolder, type CorruptionFolder, type ExpectedSamples } from './corruption-folder.js';
export { datasetClasses, openDataset, verifyDataset, type DatasetReport, type FileReport } from './open.js';
