/** The folder of an export and the files that all formats have. */
import { existsSync } from 'node:fs';
import { readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, TrainingError } from '@facet/shared';
import type { ExportFormat, ModelOrigin } from './export-format.js';

/** `replace` writes over files of the same names in a folder that exists; nothing else in it is touched. */
export type Existing = 'refuse' | 'replace';

/** Where an export of any model goes, and in which form. */
export interface ExportPlan {
  readonly origin: ModelOrigin;
  /** The run.json that makes a folder with this model.safetensors one that Facet reads like a checkpoint. */
  readonly runFile: (modelFile: Uint8Array) => Promise<string>;
  readonly format: ExportFormat;
  /** Samples per call of the exported program; safetensors has no program. */
  readonly batch: number;
  readonly folder: string;
  readonly existing: Existing;
}

export type Files = ReadonlyMap<string, Uint8Array>;

export interface WrittenFile {
  readonly name: string;
  readonly bytes: number;
}

/** Writes the files of an export. */
export async function writeFiles(folder: string, files: Files): Promise<WrittenFile[]> {
  await makeFolder(folder);
  for (const [name, bytes] of files) await writeFile(path.join(folder, name), bytes);
  return [...files].map(([name, { byteLength }]) => ({ name, bytes: byteLength }));
}

/** @throws TrainingError OUTPUT_EXISTS when the folder holds something that must not be touched. */
export async function requireFree(folder: string, existing: Existing): Promise<void> {
  if (existing === 'replace' || !existsSync(folder)) return;
  const isFolder = (await stat(folder)).isDirectory();
  if (isFolder && (await readdir(folder)).length === 0) return;
  const fault = isFolder ? 'exists and is not empty' : 'is a file';
  throw new TrainingError('OUTPUT_EXISTS', `${folder} ${fault}, expected a new folder; choose another or add --force`);
}

/** What every file of a model says of it. */
export function metadataOf({ run, step, weightsSha256, classes }: ModelOrigin): Record<string, string> {
  return { run, step: String(step), weights_sha256: weightsSha256, classes: JSON.stringify(classes) };
}

/** The names of the classes. */
export function labelsFile({ classes }: ModelOrigin): Uint8Array {
  return encoded(`${JSON.stringify(classes)}\n`);
}

/** Text as bytes. */
export function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
