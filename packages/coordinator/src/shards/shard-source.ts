/**
 * What a micro-batch's message holds: ids alone, or ids with the samples. Sizes are
 * computed before anything is published, so that a broker's limits are checked at the start and not in the middle.
 */
import type { NamedSource } from '@facet/datasets';
import {
  encodeShardMessage,
  packSamples,
  sampleBytes,
  SHARD_SEAL_BYTES,
  shardMessageBytes,
  type Plan,
  type RunConfig,
  type WorkItem,
} from '@facet/shared';

export interface ShardSource {
  /** The encoded message of one micro-batch, with room for its seal at the end. */
  encode(item: WorkItem, index: number, generation: number): Promise<Uint8Array>;
  /** Bytes of the largest message, with its seal. */
  readonly messageBytes: number;
  /** Upper bound of the bytes of everything that is published ahead at once. */
  readonly windowBytes: number;
}

export interface ShardSourceOptions {
  readonly config: Pick<RunConfig, 'data' | 'batch' | 'prefetchSteps'>;
  readonly plan: Plan;
  readonly data: NamedSource;
}

export function createShardSource({ config, plan, data }: ShardSourceOptions): ShardSource {
  const { fields } = data;
  const hasSamples = config.data === 'stream';
  const messageBytes =
    shardMessageBytes(config.batch.micro, hasSamples ? sampleBytes(fields) : undefined) + SHARD_SEAL_BYTES;
  const train = plan.microBatchCount({ kind: 'train', step: 1 }) * config.prefetchSteps;
  const evaluations = Math.ceil((config.prefetchSteps + 1) / (plan.stepsPerEpoch + 1));
  const evaluate = plan.microBatchCount({ kind: 'evaluate', step: plan.stepsPerEpoch }) * evaluations;
  return {
    messageBytes,
    windowBytes: (train + evaluate) * messageBytes,
    async encode(item, index, generation) {
      const { kind, step } = item;
      const ids = plan.microBatch(item, index);
      const message = { kind, generation, epoch: plan.epochOf(step), step, index, ids };
      if (!hasSamples) return encodeShardMessage(message, SHARD_SEAL_BYTES);
      const samples = packSamples(fields, await data.read(plan.splitOf(item), ids), ids.length);
      return encodeShardMessage({ ...message, samples }, SHARD_SEAL_BYTES);
    },
  };
}
