/**
 * The coordinator's metrics, declared once. No label grows with time: the only ones are the phase, an error code and the kind of
 * an order. Values are set by whoever knows them; gauges that can be read are read when scraped.
 */
import { createProcessRegistry, Counter, Gauge, Histogram, type Registry } from '@facet/telemetry';
import type { ErrorCode } from '@facet/shared';

const STATUS_PHASES = [
  'gathering',
  'forming',
  'training',
  'evaluating',
  'regrouping',
  'saving',
  'stopping',
  'finished',
  'stopped',
  'failed',
  'handed-over',
] as const;

const ORDER_KINDS = ['stop', 'drain', 'checkpoint'] as const;

export type StatusPhase = (typeof STATUS_PHASES)[number];

/** Values that are read when Prometheus asks. */
export interface MetricReadings {
  readonly phase: StatusPhase;
  readonly generation: number;
  readonly worldSize: number;
  readonly workersConnected: number;
  readonly engines: number;
  readonly stragglers: number;
  readonly greatestSlowness: number | undefined;
  readonly outlyingMembers: number;
  readonly committedStep: number;
  readonly epoch: number;
  readonly samplesPerSecond: number;
  readonly shardBacklog: number;
  readonly trainLoss: number | undefined;
  readonly trainAccuracy: number | undefined;
  /** Of the split that the run evaluates; the other one stays unknown. */
  readonly testAccuracy?: number;
  readonly testLoss?: number;
  readonly heldOutAccuracy?: number;
  readonly heldOutLoss?: number;
  readonly checkpointStep: number | undefined;
  readonly checkpointAgeSeconds: number | undefined;
}

export interface Metrics {
  readonly registry: Registry;
  readonly samples: Counter;
  readonly publishedBytes: Counter;
  readonly ledgerCommits: Counter;
  readonly replays: Counter;
  readonly leaves: Counter;
  readonly strangers: Counter;
  readonly outlyingMembers: Counter;
  countFault(code: ErrorCode): void;
  countOrder(kind: (typeof ORDER_KINDS)[number]): void;
  readonly regroupSeconds: Histogram;
  readonly checkpointSeconds: Histogram;
  readonly checkpointFailures: Counter;
  readonly ledgerAppendSeconds: Histogram;
}

const PREFIX = 'facet_coordinator_';
const REGROUP_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 120];
const CHECKPOINT_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 120];
const APPEND_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2];

/** Declares the metrics in a registry of their own. `read` is called at every scrape. */
export function createMetrics(read: () => MetricReadings): Metrics {
  const registry = createProcessRegistry();
  const registers = [registry];
  const gauge = (name: string, help: string, value: (readings: MetricReadings) => number | undefined): void => {
    new Gauge({
      name: `${PREFIX}${name}`,
      help,
      registers,
      collect() {
        // NaN is Prometheus' value for "not known yet".
        this.set(value(read()) ?? Number.NaN);
      },
    });
  };
  new Gauge({
    name: `${PREFIX}phase`,
    help: 'What the run is doing: 1 for the phase that it is in, 0 for the others.',
    labelNames: ['phase'],
    registers,
    collect() {
      const { phase } = read();
      for (const name of STATUS_PHASES) this.set({ phase: name }, name === phase ? 1 : 0);
    },
  });
  gauge('generation', 'Number of the current generation of workers.', ({ generation }) => generation);
  gauge('world_size', 'Workers that train together now.', ({ worldSize }) => worldSize);
  gauge('workers_connected', 'Workers with an open stream.', ({ workersConnected }) => workersConnected);
  gauge(
    'engines',
    'Different engines that have computed for the run; above 1 its weights depend on who computed what.',
    ({ engines }) => engines,
  );
  gauge(
    'stragglers',
    'Members that take much longer than the others, so that all wait for them.',
    ({ stragglers }) => stragglers,
  );
  gauge(
    'greatest_slowness_ratio',
    "Time of the slowest member for its work over the median of the others', median over a window of steps.",
    ({ greatestSlowness }) => greatestSlowness,
  );
  gauge(
    'outlying_members',
    "Members whose gradients or losses lie far from the others' now.",
    ({ outlyingMembers }) => outlyingMembers,
  );
  gauge('committed_step', 'Last step in the ledger.', ({ committedStep }) => committedStep);
  gauge('epoch', 'Current epoch, from 0.', ({ epoch }) => epoch);
  gauge('samples_per_second', 'Training samples per second, moving mean.', ({ samplesPerSecond }) => samplesPerSecond);
  gauge('shard_backlog', 'Micro-batches published and not yet committed.', ({ shardBacklog }) => shardBacklog);
  gauge('train_loss', 'Mean training loss of the last committed step.', ({ trainLoss }) => trainLoss);
  gauge('train_accuracy_ratio', 'Training accuracy of the last committed step.', ({ trainAccuracy }) => trainAccuracy);
  gauge('test_accuracy_ratio', 'Accuracy of the last evaluation on the test split.', (r) => r.testAccuracy);
  gauge('test_loss', 'Mean loss of the last evaluation on the test split.', ({ testLoss }) => testLoss);
  gauge('held_out_accuracy_ratio', 'Accuracy of the last evaluation on held-out images.', (r) => r.heldOutAccuracy);
  gauge('held_out_loss', 'Mean loss of the last evaluation on held-out images.', ({ heldOutLoss }) => heldOutLoss);
  gauge('checkpoint_step', 'Step of the newest checkpoint.', ({ checkpointStep }) => checkpointStep);
  gauge('checkpoint_age_seconds', 'Time since the newest checkpoint was written.', (r) => r.checkpointAgeSeconds);

  const counter = (name: string, help: string): Counter => new Counter({ name: `${PREFIX}${name}`, help, registers });
  const histogram = (name: string, help: string, buckets: number[]): Histogram =>
    new Histogram({ name: `${PREFIX}${name}`, help, buckets, registers });
  const faults = new Counter({
    name: `${PREFIX}faults_total`,
    help: 'Faults by error code.',
    labelNames: ['code'],
    registers,
  });
  const orders = new Counter({
    name: `${PREFIX}orders_total`,
    help: 'Orders of operators who showed the operator token, by kind.',
    labelNames: ['kind'],
    registers,
  });
  // The first order of a kind is an increase.
  for (const kind of ORDER_KINDS) orders.inc({ kind }, 0);
  return {
    registry,
    samples: counter('samples_total', 'Training samples computed, replayed ones included.'),
    publishedBytes: counter('published_bytes_total', 'Bytes of shards acknowledged by the broker.'),
    ledgerCommits: counter('ledger_commits_total', 'Steps committed by this process.'),
    replays: counter('replays_total', 'Committed steps that were computed again.'),
    leaves: counter('leaves_total', 'Workers that left without a fault: they asked to, or were stragglers.'),
    strangers: counter(
      'strangers_total',
      'Streams turned away because they did not show the run token or the operator token.',
    ),
    outlyingMembers: counter(
      'outlying_members_total',
      "Times that a member's gradients or losses began to lie far from the others'.",
    ),
    countFault: (code) => {
      faults.inc({ code });
    },
    countOrder: (kind) => {
      orders.inc({ kind });
    },
    regroupSeconds: histogram(
      'regroup_duration_seconds',
      'From the end of a generation to the start of the next.',
      REGROUP_BUCKETS,
    ),
    checkpointSeconds: histogram(
      'checkpoint_duration_seconds',
      'Pulling and writing one checkpoint.',
      CHECKPOINT_BUCKETS,
    ),
    checkpointFailures: counter('checkpoint_failures_total', 'Checkpoints that could not be taken or written.'),
    ledgerAppendSeconds: histogram(
      'ledger_append_duration_seconds',
      'From a record to its safety on disk.',
      APPEND_BUCKETS,
    ),
  };
}
