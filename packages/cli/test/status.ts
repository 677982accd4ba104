/**
 * A coordinator's status for tests of the display: a run of two workers in the middle of its second epoch.
 */
import type { Status } from '@facet/proto';

type WorkerStatus = Status['workers'][number];

export function workerStatus(rank: number, changes: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    workerId: `host-${100 + rank}-abcdef`,
    host: 'host',
    pid: 100 + rank,
    isMember: true,
    rank,
    state: 'member',
    engine: 'onnxruntime',
    device: 'cpu',
    samplesPerSecond: 4_061.4,
    timings: { totalMs: 15.76, shardWaitMs: 0.08, computeMs: 13.2, allReduceMs: 1.9, updateMs: 0.45 },
    metricsUrl: 'http://127.0.0.1:9100/metrics',
    localGradientNorm: 0.9,
    localLoss: 0.21,
    outlier: '',
    ...changes,
  };
}

export function status(changes: Partial<Status> = {}): Status {
  return {
    run: 'demo',
    phase: 'training',
    detail: '2 workers',
    generation: 1,
    step: 730,
    totalSteps: 1_876,
    epoch: 1,
    epochs: 4,
    loss: 0.21339,
    hasTrainAccuracy: true,
    trainAccuracy: 0.9342,
    hasTestAccuracy: true,
    testAccuracy: 0.9722,
    hasHeldOutAccuracy: false,
    heldOutAccuracy: 0,
    hasEvaluation: true,
    evaluationLoss: 0.0912,
    evaluationMetrics: {},
    samplesPerSecond: 8_123.4,
    etaSeconds: 18.06,
    checkpointStep: 600,
    faults: 0,
    workers: [workerStatus(0), workerStatus(1)],
    dataset: 'mnist',
    lastFault: '',
    mixedEngines: '',
    checkpointFailure: '',
    stragglers: '',
    outliers: '',
    ...changes,
  };
}
