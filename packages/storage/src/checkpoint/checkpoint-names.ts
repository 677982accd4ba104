/**
 * The names inside a checkpoints folder. A checkpoint gets its step's name last and loses it first. So a folder with such a
 * name is always a whole checkpoint. Unfinished ones have a temporary name that readers ignore.
 */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

const STEP_NAME = /^step-(\d{9,})$/;
const TEMPORARY_PREFIX = '.tmp-step-';

let temporaryCount = 0;

export function stepName(step: number): string {
  return `step-${String(step).padStart(9, '0')}`;
}

/** The step that a path's last part names, if it names one. */
export function stepOf(path: string): number | undefined {
  const digits = STEP_NAME.exec(basename(path))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** A sibling of the step's folder that nothing else in this process uses. */
export function temporaryPath(folder: string, step: number): string {
  temporaryCount += 1;
  return join(folder, `.tmp-${stepName(step)}-${process.pid}-${temporaryCount}`);
}

/** The checkpoint and temporary folders in a folder; both empty when it does not exist. Steps are newest first. */
export async function listCheckpoints(folder: string): Promise<{ steps: number[]; temporary: string[] }> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const steps = names.map(stepOf).filter((step) => step !== undefined);
  const temporary = names.filter((name) => name.startsWith(TEMPORARY_PREFIX)).map((name) => join(folder, name));
  return { steps: steps.sort((a, b) => b - a), temporary };
}
