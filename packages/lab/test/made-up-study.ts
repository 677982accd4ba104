/** A study that nobody trained: a plan over given arms, and results with given accuracies. */
import { mergeMappings, resolveConfig, trainingPart, type TrainingConfig } from '@facet/shared';
import type { ArmName } from '@facet/multiview/config';
import { ablationReport, type AblationReport, type ArmCost } from '../src/study/ablation-report.js';
import { STUDY_DEFAULTS } from '../src/study/study-defaults.js';
import type { TrialResult } from '../src/study/study-folder.js';
import { armKey, trialsOf, type StudyPlan, withArm, type Trial } from '../src/study/study-plan.js';
import { NAMED_TASKS } from '../src/tasks/named-tasks.js';

/** The training half of a configuration, as a study has it. */
export function studyBase(flags: Record<string, unknown> = {}): TrainingConfig {
  const said = mergeMappings({ ...STUDY_DEFAULTS, preset: 'mnist-fast', run: 'base' }, flags);
  const resolution = resolveConfig({ tasks: NAMED_TASKS, environment: {}, flags: said });
  if (!resolution.ok) throw new Error(resolution.problems.join('; '));
  return { ...trainingPart(resolution.config), seed: 0 };
}

/** The first arm is the baseline. */
export function studyPlan(arms: readonly ArmName[], seeds: readonly number[], base = studyBase()): StudyPlan {
  const keyOf = (name: ArmName): string => armKey(withArm(base, name));
  return {
    version: 1,
    study: 'made-up',
    base,
    arms: arms.map((name) => ({ name, key: keyOf(name) })),
    seeds,
    baseline: arms[0]!,
  };
}

/** What a trial came to. */
export function trialResult({ name, key, seed }: Trial, accuracy: number): TrialResult {
  return {
    trial: name,
    key,
    seed,
    split: 'held-out',
    accuracy,
    curve: [accuracy / 2, accuracy],
    trainSeconds: 60,
    weightsSha256: 'a'.repeat(64),
    engines: ['onnxruntime/cpu'],
  };
}

/** Results of all trials of the plan whose arm has accuracies, one for each seed in the plan's order. */
export function studyResults(plan: StudyPlan, accuracies: Partial<Record<ArmName, readonly number[]>>): TrialResult[] {
  return trialsOf(plan).flatMap((trial) => {
    const accuracy = accuracies[trial.arm]?.[plan.seeds.indexOf(trial.seed)];
    return accuracy === undefined ? [] : [trialResult(trial, accuracy)];
  });
}

/** The same cost for every arm of a plan. */
export function studyCosts({ arms }: StudyPlan): Map<ArmName, ArmCost> {
  return new Map(arms.map(({ name }) => [name, { parameters: 82_698, macsPerImage: 1.64e6 }]));
}

/** Who made a report that nobody made. */
export const STUDY_MAKER = { at: '2026-11-29T01:20:00.000Z', version: '0.1.0+test' };

/** The report on a study of two arms, of which one stands twice, with three seeds at most. */
export function studyReport(control: readonly number[], views: readonly number[]): AblationReport {
  const plan = studyPlan(['no-injection', 'views-3', 'weights-normalised'], [1, 2, 3]);
  const results = studyResults(plan, { 'no-injection': control, 'views-3': views });
  return ablationReport({ made: STUDY_MAKER, plan, results, costs: studyCosts(plan) });
}
