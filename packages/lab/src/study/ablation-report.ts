/**
 * Makes ablation.json from the plan and the results of a study: for each arm its accuracies, their mean, and the difference
 * from the baseline; and the best multi-view arm against the best control. Pure.
 */
import type { Mapping, TrainingConfig } from '@facet/shared';
import { ABLATION_ARMS, type ArmName } from '@facet/multiview/config';
import {
  holmAdjusted,
  pairedDifference,
  spreadOf,
  type BySeed,
  type PairedDifference,
  type Spread,
} from './paired-differences.js';
import type { ReportMaker } from '../trained/report-origin.js';
import { studyCommand } from './study-command.js';
import type { TrialResult } from './study-folder.js';
import { trialsOf, type StudyPlan } from './study-plan.js';

/** The cost of an arm's model. */
export interface ArmCost {
  readonly parameters: number;
  /** Multiply-accumulates of the matrix products, for the answer to one image. */
  readonly macsPerImage: number;
}

export interface ArmReport extends Partial<Spread>, ArmCost {
  readonly name: ArmName;
  readonly about: string;
  readonly role: 'multi-view' | 'control';
  /** The configuration keys that it sets, nested as in the configuration. */
  readonly sets: Mapping;
  /** The arm with the same configuration whose trials these are; undefined when they are its own. */
  readonly sameAs: ArmName | undefined;
  readonly trials: readonly Pick<TrialResult, 'seed' | 'accuracy' | 'trainSeconds' | 'weightsSha256'>[];
  /** Mean accuracy over the seeds after every epoch. */
  readonly curve: readonly number[];
  /** From the baseline; undefined for the baseline, for an arm that is the same, and without a common seed. */
  readonly difference: ArmDifference | undefined;
}

export interface ArmDifference extends PairedDifference {
  /** Holm's adjustment of p over everything that it was compared beside; undefined without a p. */
  readonly holmP: number | undefined;
}

/** The best multi-view arm against the best control, both chosen by their means on the same images. */
export interface BestComparison {
  readonly arm: ArmName;
  readonly control: ArmName;
  /** Its interval knows nothing of the choice; holmP is adjusted over all pairs that could have been chosen. */
  readonly difference: ArmDifference;
  /** Pairs of a multi-view arm and a control that have a p. */
  readonly pairs: number;
}

export interface AblationReport {
  readonly made: ReportMaker;
  readonly study: string;
  readonly dataset: TrainingConfig['dataset'];
  readonly preset: string;
  readonly epochs: number;
  /** Training images; 0 means all of the split. */
  readonly trainSamples: number;
  /** Images of the training split that no arm was trained on. */
  readonly heldOutSamples: number;
  /** The split that the accuracies are of. */
  readonly split: TrainingConfig['evaluation'];
  readonly baseline: ArmName;
  readonly seeds: readonly number[];
  readonly arms: readonly ArmReport[];
  readonly best: BestComparison | undefined;
  readonly trialsFinished: number;
  readonly trialsPlanned: number;
  /** Seconds of training in all. */
  readonly trainSeconds: number;
  readonly engines: readonly string[];
  /** The command that runs this study from nothing. */
  readonly command: string;
}

export interface ReportOptions {
  readonly made: ReportMaker;
  readonly plan: StudyPlan;
  readonly results: readonly TrialResult[];
  readonly costs: ReadonlyMap<ArmName, ArmCost>;
}

/** Makes the report. */
export function ablationReport({ made, plan, results, costs }: ReportOptions): AblationReport {
  const { study, base, seeds, baseline } = plan;
  const arms = armReports(plan, results, costs);
  return {
    made,
    study,
    dataset: base.dataset,
    preset: base.preset,
    epochs: base.epochs,
    trainSamples: base.samples.train,
    heldOutSamples: base.samples.heldOut,
    split: base.evaluation,
    baseline,
    seeds,
    arms,
    best: bestOf(arms),
    trialsFinished: results.length,
    trialsPlanned: trialsOf(plan).length,
    trainSeconds: results.reduce((sum, { trainSeconds }) => sum + trainSeconds, 0),
    engines: [...new Set(results.flatMap(({ engines }) => engines))].sort(),
    command: studyCommand(plan),
  };
}

/** Arms with the same configuration share trials. They count as one in the adjustment for several comparisons. */
function armReports(plan: StudyPlan, results: readonly TrialResult[], costs: ReportOptions['costs']): ArmReport[] {
  const trialsOfKey = (key: string): readonly TrialResult[] => results.filter((result) => result.key === key);
  const baselineKey = plan.arms.find(({ name }) => name === plan.baseline)!.key;
  const keys = [...new Set(plan.arms.map(({ key }) => key))].filter((key) => key !== baselineKey);
  const differences = withHolm(
    new Map(keys.map((key) => [key, pairedDifference(bySeed(trialsOfKey(key)), bySeed(trialsOfKey(baselineKey)))])),
  );
  return plan.arms.map(({ name, key }): ArmReport => {
    const trials = trialsOfKey(key);
    const owner = plan.arms.find((arm) => arm.key === key)!.name;
    return {
      name,
      ...ABLATION_ARMS[name],
      sameAs: owner === name ? undefined : owner,
      ...costs.get(name)!,
      ...(trials.length > 0 && spreadOf(trials.map(({ accuracy }) => accuracy))),
      trials: trials.map(({ seed, accuracy, trainSeconds, weightsSha256 }) => ({
        seed,
        accuracy,
        trainSeconds,
        weightsSha256,
      })),
      curve: meanCurve(trials.map(({ curve }) => curve)),
      difference: differences.get(key),
    };
  });
}

/** Adds Holm's adjustment, over those that have a p. */
function withHolm(differences: ReadonlyMap<string, PairedDifference | undefined>): Map<string, ArmDifference> {
  const found = [...differences].flatMap(([key, difference]) => (difference ? [{ key, difference }] : []));
  const judged = found.filter(({ difference }) => difference.p !== undefined);
  const adjusted = holmAdjusted(judged.map(({ difference }) => difference.p!));
  const holmOf = new Map(judged.map(({ key }, index) => [key, adjusted[index]]));
  return new Map(found.map(({ key, difference }) => [key, { ...difference, holmP: holmOf.get(key) }]));
}

function bestOf(arms: readonly ArmReport[]): AblationReport['best'] {
  const [arm, control] = [bestWithRole(arms, 'multi-view'), bestWithRole(arms, 'control')];
  if (arm === undefined || control === undefined) return undefined;
  const own = arms.filter(({ sameAs }) => sameAs === undefined);
  const pairName = (one: ArmReport, other: ArmReport): string => `${one.name} - ${other.name}`;
  const adjusted = withHolm(
    new Map(
      own
        .filter(({ role }) => role === 'multi-view')
        .flatMap((one) =>
          own
            .filter(({ role }) => role === 'control')
            .map((other) => [pairName(one, other), pairedDifference(bySeed(one.trials), bySeed(other.trials))]),
        ),
    ),
  );
  const difference = adjusted.get(pairName(arm, control));
  const pairs = [...adjusted.values()].filter(({ p }) => p !== undefined).length;
  return difference && { arm: arm.name, control: control.name, difference, pairs };
}

/** The first of those with the highest mean. */
function bestWithRole(arms: readonly ArmReport[], role: ArmReport['role']): ArmReport | undefined {
  const trained = arms.filter((arm) => arm.role === role && arm.sameAs === undefined && arm.mean !== undefined);
  const most = Math.max(...trained.map(({ mean }) => mean!));
  return trained.find(({ mean }) => mean === most);
}

function bySeed(trials: readonly Pick<TrialResult, 'seed' | 'accuracy'>[]): BySeed {
  return new Map(trials.map(({ seed, accuracy }) => [seed, accuracy]));
}

function meanCurve(curves: readonly (readonly number[])[]): number[] {
  if (curves.length === 0) return [];
  const epochs = Math.min(...curves.map(({ length }) => length));
  return Array.from({ length: epochs }, (_, epoch) => spreadOf(curves.map((curve) => curve[epoch]!)).mean);
}
