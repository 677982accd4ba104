/**
 * The metrics of one worker process, all under facet_worker_. No label grows with time.
 */
import { Counter, createProcessRegistry, Gauge, Histogram, type Registry } from '@facet/telemetry';
import type { StepResult } from './train/generation-loop.js';

/** Steps take from under a millisecond (tests) to minutes (large models on one core). */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface WorkerMetrics {
  readonly registry: Registry;
  recordStep(result: StepResult): void;
  recordMembership(membership: {
    readonly generation: number;
    readonly rank: number;
    readonly worldSize: number;
  }): void;
  recordFault(code: string): void;
  /** A message among the shards that the coordinator did not seal. */
  recordForgedShard(): void;
}

/**
 * Makes the registry.
 *
 * @param backlog micro-batches that have arrived and wait, read at every scrape
 */
export function createWorkerMetrics(backlog: () => number): WorkerMetrics {
  const registry = createProcessRegistry();
  const registers = [registry];
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `facet_worker_${name}`, help, registers });
  const counter = (name: string, help: string): Counter =>
    new Counter({ name: `facet_worker_${name}`, help, registers });

  const stepDuration = new Histogram({
    name: 'facet_worker_step_duration_seconds',
    help: 'Time of a training step from its start to the applied update.',
    buckets: DURATION_BUCKETS,
    registers,
  });
  const partDuration = new Histogram({
    name: 'facet_worker_step_part_duration_seconds',
    help: 'Time of the parts of a step: shard_wait (nothing to compute), compute, all_reduce, update.',
    labelNames: ['part'] as const,
    buckets: DURATION_BUCKETS,
    registers,
  });
  const samples = counter('samples_total', 'Training samples that this worker computed.');
  const attackGradients = counter(
    'attack_gradients_total',
    'Gradients by the pixels that adversarial training took, counted per sample.',
  );
  const forgedShards = counter('forged_shards_total', 'Messages among the shards that the coordinator did not seal.');
  const steps = counter('steps_total', 'Updates that this worker applied.');
  const sent = counter('all_reduce_sent_bytes_total', 'Bytes sent to peers in the all-reduce.');
  const received = counter('all_reduce_received_bytes_total', 'Bytes received from peers in the all-reduce.');
  const faults = new Counter({
    name: 'facet_worker_faults_total',
    help: 'Failures that this worker reported, by code.',
    labelNames: ['code'] as const,
    registers,
  });
  const loss = gauge('loss', 'Mean training loss of the last step.');
  const accuracy = gauge('accuracy_ratio', 'Share of correct answers in the last step.');
  const gradientNorm = gauge('gradient_norm', 'Norm of the mean gradient of the last step before clipping.');
  const rate = gauge('learning_rate', 'Learning rate of the last step.');
  const throughput = gauge('samples_per_second', 'Samples of this worker per second over the last step.');
  const step = gauge('applied_step', 'Last applied step.');
  const generation = gauge('generation', 'Generation that this worker belongs to.');
  const rank = gauge('rank', 'Rank in the generation.');
  const worldSize = gauge('world_size', 'Workers in the generation.');
  new Gauge({
    name: 'facet_worker_shard_backlog',
    help: 'Micro-batches that have arrived and wait to be computed.',
    registers,
    collect() {
      this.set(backlog());
    },
  });

  return {
    registry,
    recordStep(result) {
      const { timings } = result;
      stepDuration.observe(timings.totalMs / 1000);
      partDuration.observe({ part: 'shard_wait' }, timings.shardWaitMs / 1000);
      partDuration.observe({ part: 'compute' }, timings.computeMs / 1000);
      partDuration.observe({ part: 'all_reduce' }, timings.allReduceMs / 1000);
      partDuration.observe({ part: 'update' }, timings.updateMs / 1000);
      samples.inc(result.localSamples);
      attackGradients.inc(result.attackGradients);
      steps.inc();
      sent.inc(result.bytesSent);
      received.inc(result.bytesReceived);
      loss.set(result.loss);
      const { correct } = result.metrics;
      if (correct !== undefined) accuracy.set(correct / result.sampleCount);
      gradientNorm.set(result.gradientNorm);
      rate.set(result.learningRate);
      throughput.set((1000 * result.localSamples) / timings.totalMs);
      step.set(result.step);
    },
    recordMembership(membership) {
      generation.set(membership.generation);
      rank.set(membership.rank);
      worldSize.set(membership.worldSize);
    },
    recordForgedShard() {
      forgedShards.inc();
    },
    recordFault(code) {
      faults.inc({ code });
    },
  };
}
