/**
 * The files of a study: its plan, one result for every finished trial, its report, its lock, and the folder with the trials'
 * runs. A file is there whole or not at all; a finished trial is one whose result is there.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  isRunName,
  makePrivateFolder,
  readRegularText,
  RUN_NAME_EXPECTATION,
  type RunConfig,
  TrainingError,
  trainingPart,
  writeWhole,
} from '@facet/shared';
import { requireMultiView } from '@facet/multiview/config';
import type { StudyPlan, Trial } from './study-plan.js';

const MOST_STUDY_BYTES = 64 * 1024 * 1024;

/** The result of a finished trial. */
export interface TrialResult {
  readonly trial: string;
  /** SHA-256 of the training configuration without the seed. */
  readonly key: string;
  readonly seed: number;
  readonly split: RunConfig['evaluation'];
  /** After the last epoch, a share of 1. */
  readonly accuracy: number;
  /** Accuracy after every epoch. */
  readonly curve: readonly number[];
  readonly trainSeconds: number;
  readonly weightsSha256: string;
  readonly engines: readonly string[];
}

export interface StudyFolder {
  readonly path: string;
  /** Where the runs of its trials live. */
  readonly runs: string;
  /** Undefined for a study that does not exist yet. */
  readPlan(): Promise<StudyPlan | undefined>;
  writePlan(plan: StudyPlan): Promise<void>;
  /** Undefined for a trial that is not finished. */
  readResult(trial: Trial): Promise<TrialResult | undefined>;
  writeResult(result: TrialResult): Promise<void>;
  writeReport(report: StudyReport): Promise<StudyReportFiles>;
  /**
   * Makes the folder and keeps every other process from working on the study.
   *
   * @throws TrainingError RUN_LOCKED naming the process that does.
   */
  lock(): Promise<FolderLock>;
}

/** The document, and the text of the page that is drawn from it. */
export interface StudyReport {
  readonly document: object;
  readonly page: string;
}

/** Paths of the document and of the page that is drawn from it. */
export interface StudyReportFiles {
  readonly file: string;
  readonly page: string;
}

export interface FolderLock {
  release(): Promise<void>;
}

/** The folder of all studies. */
export function studiesFolder(runs: string): string {
  return path.join(runs, 'studies');
}

/**
 * The folder of a study, whether or not it exists.
 *
 * @throws TrainingError RUN_NAME_INVALID for a name that is none.
 */
export function studyFolder(runs: string, study: string): StudyFolder {
  if (!isRunName(study)) {
    const fault = `'${study}' cannot be the name of a study: expected ${RUN_NAME_EXPECTATION}`;
    throw new TrainingError('RUN_NAME_INVALID', fault);
  }
  const folder = path.join(studiesFolder(runs), study);
  const planFile = path.join(folder, 'plan.json');
  const resultFile = (trial: string): string => path.join(folder, 'results', `${trial}.json`);
  return {
    path: folder,
    runs: path.join(folder, 'runs'),
    readPlan: async () => {
      const plan = await readJson<StudyPlan>(planFile);
      if (plan !== undefined && plan.version !== 1) {
        throw new TrainingError('CONFIG_INVALID', `${planFile} has version ${String(plan.version)}, expected 1`);
      }
      return plan === undefined ? undefined : { ...plan, base: requireMultiView(trainingPart(plan.base), 'a study') };
    },
    async writePlan(plan) {
      await makePrivateFolder(path.join(folder, 'results'));
      await writeWhole(planFile, jsonText(plan), 'owner');
    },
    async readResult({ name, key }) {
      const result = await readJson<TrialResult>(resultFile(name));
      if (result === undefined || result.key === key) return result;
      throw new TrainingError(
        'STUDY_CHANGED',
        `${resultFile(name)} is of another configuration than the study's plan says; move it away to train it again`,
      );
    },
    writeResult: (result) => writeWhole(resultFile(result.trial), jsonText(result), 'owner'),
    async writeReport({ document, page }) {
      const files = { file: path.join(folder, 'ablation.json'), page: path.join(folder, 'ablation.html') };
      await writeWhole(files.file, jsonText(document), 'owner');
      await writeWhole(files.page, page, 'owner');
      return files;
    },
    async lock() {
      await makePrivateFolder(folder);
      const { lockRun } = await import('@facet/storage');
      return lockRun(folder);
    },
  };
}

async function readJson<T>(file: string): Promise<T | undefined> {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(await readRegularText(file, MOST_STUDY_BYTES)) as T;
  } catch (caught) {
    const { message } = caught as Error;
    throw new TrainingError('CONFIG_INVALID', `${file} cannot be read: ${message}; restore it, or move it away`, {
      cause: caught,
    });
  }
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
