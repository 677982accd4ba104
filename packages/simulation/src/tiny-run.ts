/**
 * The run that is simulated: a few numbers as weights, one pixel per image, several epochs, everything that a real run has.
 * Every sample has a pixel of its own and every update depends on all samples before it, so that one that is lost, doubled
 * or out of place changes the weights.
 */
import type { RunData } from '@facet/task/data';
import { datasetSource, type Dataset } from '@facet/datasets';
import {
  createPlan,
  OPERATION_DEFAULTS,
  TASK_TRAINING,
  type LedgerRecord,
  type Plan,
  type RunConfig,
} from '@facet/shared';
import { runRecord } from '@facet/coordinator/internal';

const TRAIN_SAMPLES = 22;
const TEST_SAMPLES = 5;

export interface TinyRun {
  readonly config: RunConfig;
  readonly data: RunData;
  readonly plan: Plan;
  /** The first record of its ledger. */
  readonly record: LedgerRecord;
  /** With a second coordinator, and a lease that says which one leads. */
  readonly hasStandby: boolean;
  /** The run lives in a store; every coordinator has a disk of its own. */
  readonly hasStore: boolean;
}

export interface TinyRunOptions {
  /** 0: without an average of the weights. */
  readonly emaDecay: number;
  readonly gradientFormat?: RunConfig['gradientFormat'];
  /** At the start. */
  readonly workers?: number;
  readonly groupSize?: number;
  /** Shares follow the speed, which is measured over a few steps. */
  readonly balance?: boolean;
  readonly hasStandby?: boolean;
  readonly hasStore?: boolean;
  /** Rules that end the run early. */
  readonly stopWhen?: readonly string[];
}

export function createTinyRun(options: TinyRunOptions): TinyRun {
  const { emaDecay, gradientFormat = 'fp32', workers = 3, groupSize = 0, balance = false } = options;
  const { hasStandby = false, hasStore = false, stopWhen = [] } = options;
  const config: RunConfig = {
    ...TASK_TRAINING,
    ...OPERATION_DEFAULTS,
    dataset: 'mnist',
    preset: 'tiny',
    task: { name: 'tiny', options: {} },
    run: 'simulated',
    seed: 7,
    epochs: 3,
    batch: { global: 8, micro: 2 },
    optimizer: { ...TASK_TRAINING.optimizer, peakLearningRate: 6e-3, weightDecay: 0.05, emaDecay },
    gradientFormat,
    workers: { count: workers, min: 1, max: 4 },
    exchange: { ...OPERATION_DEFAULTS.exchange, groupSize },
    balance,
    stragglers: { ...OPERATION_DEFAULTS.stragglers, steps: 4 },
    checkpoint: { ...OPERATION_DEFAULTS.checkpoint, everySteps: 2, keep: 2 },
    prefetchSteps: 2,
    stopWhen: [...stopWhen],
    timeouts: { heartbeatMs: 2_000, stepMs: 5_000, gatherMs: 30_000 },
  };
  const source = datasetSource({
    name: 'mnist',
    image: { height: 1, width: 1, channels: 1 },
    classes: ['even', 'odd'],
    train: split(TRAIN_SAMPLES, 3),
    test: split(TEST_SAMPLES, 5),
    sha256: '0'.repeat(64),
  });
  const data = { ...source, metricNames: [], answerClasses: 2 };
  const plan = createPlan(config, { trainSamples: TRAIN_SAMPLES, testSamples: TEST_SAMPLES });
  const record = runRecord({ config, plan, data, at: new Date(0).toISOString() });
  return { config, data, plan, record, hasStandby, hasStore };
}

function split(count: number, factor: number): Dataset['train'] {
  return {
    count,
    pixels: Uint8Array.from({ length: count }, (_, id) => (id * factor + 1) % 251),
    labels: Uint8Array.from({ length: count }, (_, id) => id % 2),
  };
}
