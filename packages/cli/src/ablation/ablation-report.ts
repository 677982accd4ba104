/**
 * What a study says: per arm its accuracies, their mean, and how it differs from the baseline; and the best multi-view arm
 * against the best control. Pure: from the plan and the results to ablation.json.
 */
import { ABLATION_ARMS, type ArmName, type TrainingConfig } from '@facet/shared';
import {
  holmAdjusted,
  pairedDifference,
  spreadOf,
  type BySeed,
  type PairedDifference,
  type Spread,
} from './paired-differences.js';
import type { TrialResult } from './study-folder.js';
import type { StudyPlan } from './study-plan.js';

/** What the model of an arm costs. */
export interface ArmCost {
  readonly parameters: number;
  /** Multiply-accumulates of the matrix products, for the answer to one image. */
  readonly macsPerImage: number;
}

export interface ArmReport extends Partial<Spread>, ArmCost {
  readonly name: ArmName;
  readonly about: string;
  readonly role: 'multi-view' | 'control';
  /** The arm with the same configuration whose trials these are; undefined when they are its own. */
  readonly sameAs: ArmName | undefined;
  readonly trials: readonly { readonly seed: number; readonly accuracy: number; readonly trainSeconds: number }[];
  /** Mean accuracy over the seeds after every epoch. */
  readonly curve: readonly number[];
  /** From the baseline; undefined for the baseline and without a common seed. */
  readonly difference: (PairedDifference & { readonly holmP: number | undefined }) | undefined;
}

export interface AblationReport {
  readonly study: string;
  readonly dataset: TrainingConfig['dataset'];
  readonly preset: string;
  readonly epochs: number;
  /** Training images; 0 means all of the split. */
  readonly trainSamples: number;
  /** What the accuracies are of. */
  readonly split: TrainingConfig['evaluation'];
  readonly baseline: ArmName;
  readonly seeds: readonly number[];
  readonly arms: readonly ArmReport[];
  /** Chosen by their means on the same images, so the difference flatters the arm somewhat. */
  readonly best:
    { readonly arm: ArmName; readonly control: ArmName; readonly difference: PairedDifference } | undefined;
  readonly trialsFinished: number;
  readonly trialsPlanned: number;
  /** Seconds of training in all. */
  readonly trainSeconds: number;
  readonly engines: readonly string[];
}

export interface ReportOptions {
  readonly plan: StudyPlan;
  readonly results: readonly TrialResult[];
  readonly trialsPlanned: number;
  readonly costs: ReadonlyMap<ArmName, ArmCost>;
}

/** Makes the report. */
export function ablationReport({ plan, results, trialsPlanned, costs }: ReportOptions): AblationReport {
  const { study, base, seeds, baseline } = plan;
  const ofArm = new Map(plan.arms.map(({ name, key }) => [name, results.filter((result) => result.key === key)]));
  const bySeed = (name: ArmName): BySeed => new Map(ofArm.get(name)!.map(({ seed, accuracy }) => [seed, accuracy]));
  const differences = plan.arms.map(({ name }) =>
    name === baseline ? undefined : pairedDifference(bySeed(name), bySeed(baseline)),
  );
  const ownerOf = (key: string): number => plan.arms.findIndex((arm) => arm.key === key);
  const holm = holmOf(
    differences.map((difference, index) => (ownerOf(plan.arms[index]!.key) === index ? difference : undefined)),
  );
  const arms = plan.arms.map(({ name, key }, index): ArmReport => {
    const trials = ofArm.get(name)!;
    const { about, role } = ABLATION_ARMS[name];
    const owner = plan.arms[ownerOf(key)]!.name;
    const difference = differences[index];
    return {
      name,
      about,
      role,
      sameAs: owner === name ? undefined : owner,
      ...costs.get(name)!,
      ...(trials.length > 0 && spreadOf(trials.map(({ accuracy }) => accuracy))),
      trials: trials.map(({ seed, accuracy, trainSeconds }) => ({ seed, accuracy, trainSeconds })),
      curve: meanCurve(trials.map(({ curve }) => curve)),
      difference: difference && { ...difference, holmP: holm[ownerOf(key)] },
    };
  });
  return {
    study,
    dataset: base.dataset,
    preset: base.preset,
    epochs: base.epochs,
    trainSamples: base.samples.train,
    split: base.evaluation,
    baseline,
    seeds,
    arms,
    best: bestOf(arms, bySeed),
    trialsFinished: results.length,
    trialsPlanned,
    trainSeconds: results.reduce((sum, { trainSeconds }) => sum + trainSeconds, 0),
    engines: [...new Set(results.flatMap(({ engines }) => engines))].sort(),
  };
}

/** Holm's adjustment over the differences that have a p; two arms that are the same count once. */
function holmOf(differences: readonly (PairedDifference | undefined)[]): (number | undefined)[] {
  const indices = differences.flatMap((difference, index) => (difference?.p === undefined ? [] : [index]));
  const adjusted = holmAdjusted(indices.map((index) => differences[index]!.p!));
  return differences.map((_, index) => adjusted[indices.indexOf(index)]);
}

function bestOf(arms: readonly ArmReport[], bySeed: (name: ArmName) => BySeed): AblationReport['best'] {
  const best = (role: ArmReport['role']): ArmReport | undefined =>
    arms
      .filter((arm) => arm.role === role && arm.mean !== undefined)
      .reduce<ArmReport | undefined>(
        (best, arm) => (best === undefined || arm.mean! > best.mean! ? arm : best),
        undefined,
      );
  const [arm, control] = [best('multi-view'), best('control')];
  if (arm === undefined || control === undefined) return undefined;
  const difference = pairedDifference(bySeed(arm.name), bySeed(control.name));
  return difference && { arm: arm.name, control: control.name, difference };
}

function meanCurve(curves: readonly (readonly number[])[]): number[] {
  const epochs = Math.min(...curves.map(({ length }) => length));
  if (!Number.isFinite(epochs)) return [];
  return Array.from({ length: epochs }, (_, epoch) => spreadOf(curves.map((curve) => curve[epoch]!)).mean);
}
