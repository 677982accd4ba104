/**
 * Sources as a task names them. Nothing is read when the task's module is loaded: an opener is a function that is called when
 * a process needs the samples, with what `--data` says. Every process of a run loads the module, but not all of them read
 * the data.
 *
 * A relative path in the options is relative to the folder of `--data`; without `--data`, to the folder of the task's module.
 */
import path from 'node:path';
import { TrainingError } from '@facet/shared';
import { arrays as openArrays, type ArrayFields, type ArrayPlace, type ArraysOptions } from './arrays.js';
import { csv as openCsv, type CsvOptions } from './csv.js';
import { imageFolder as openImageFolder, type ImageFolderOptions } from './image-folder.js';
import type { SampleSource } from './sample-source.js';
import { text as openText, type TextOptions } from './text.js';

/** Where a task finds its samples. */
export interface DataContext {
  /** The folder or file of `--data`, as an absolute path; undefined when none was named. */
  readonly folder: string | undefined;
  /** The folder of the task's module, as an absolute path. */
  readonly taskFolder: string;
}

/** Opens samples when they are needed. */
export type SourceOpener = (context: DataContext) => SampleSource | Promise<SampleSource>;

/** Options of a source whose place `--data` may say. */
type PlacedByData<Options, Key extends keyof Options> = Omit<Options, Key> & Partial<Pick<Options, Key>>;

/** A folder of images, one folder for every class; see `ImageFolderOptions`. Default of `folder`: that of `--data`. */
export function imageFolder(options: PlacedByData<ImageFolderOptions, 'folder'> = {}): SourceOpener {
  return (context) => {
    const folder = placeOf(context, options.folder, 'imageFolder({ folder })');
    return openImageFolder({ ...options, folder });
  };
}

/** Tables of numbers; see `CsvOptions`. Default of `train`: the file of `--data`. */
export function csv(options: PlacedByData<CsvOptions, 'train'>): SourceOpener {
  return (context) => {
    const train = placeOf(context, options.train, 'csv({ train })');
    return openCsv({
      ...options,
      train,
      ...(options.test !== undefined && { test: resolved(context, options.test) }),
    });
  };
}

/** Text, character by character; see `TextOptions`. Default of `train`: the file of `--data`. */
export function text(options: PlacedByData<TextOptions, 'train'>): SourceOpener {
  const all = (context: DataContext, files: string | readonly string[]): string[] =>
    (typeof files === 'string' ? [files] : files).map((file) => resolved(context, file));
  return (context) =>
    openText({
      ...options,
      train: options.train === undefined ? placeOf(context, undefined, 'text({ train })') : all(context, options.train),
      ...(options.test !== undefined && { test: all(context, options.test) }),
    });
}

/** NumPy's files; see `ArraysOptions`. Default of `train`: the file of `--data`. */
export function arrays(options: PlacedByData<ArraysOptions, 'train'> = {}): SourceOpener {
  return (context) =>
    openArrays({
      ...options,
      train:
        options.train === undefined
          ? placeOf(context, undefined, 'arrays({ train })')
          : placedArrays(context, options.train),
      ...(options.test !== undefined && { test: placedArrays(context, options.test) }),
    });
}

function placedArrays(context: DataContext, fields: ArrayFields): ArrayFields {
  if (typeof fields === 'string') return resolved(context, fields);
  const placed = (place: ArrayPlace): ArrayPlace =>
    typeof place === 'string' ? resolved(context, place) : { ...place, file: resolved(context, place.file) };
  return Object.fromEntries(Object.entries(fields).map(([name, place]) => [name, placed(place)]));
}

/** @throws TrainingError DATASET_UNAVAILABLE when neither the options nor `--data` name a place. */
function placeOf(context: DataContext, given: string | undefined, option: string): string {
  if (given !== undefined) return resolved(context, given);
  if (context.folder !== undefined) return context.folder;
  throw new TrainingError(
    'DATASET_UNAVAILABLE',
    `the task does not say where its samples are; name the place with --data, or in the task with ${option}`,
  );
}

function resolved({ folder, taskFolder }: DataContext, file: string): string {
  return path.resolve(folder ?? taskFolder, file);
}
