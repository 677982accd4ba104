/** The all-reduce between processes of this machine, beside raw TCP and Gloo. */
import { GRADIENT_FORMATS } from '@facet/shared';
import { z } from 'zod';
import { defineBench } from '../bench.js';
import { count, flag, list, oneOf, positiveNumber, wholeNumber } from '../options.js';
import { TRANSPORTS } from './exchange-ask.js';

const options = {
  'sizes-mb': list('MB,...', 'sizes of the gradient', positiveNumber, { default: [0.01, 1, 25], small: [0.01, 4] }),
  ranks: list('N,...', 'sizes of the world', wholeNumber(2), { default: [2] }),
  transports: list('NAME,...', TRANSPORTS.join(', '), oneOf(TRANSPORTS), {
    default: TRANSPORTS,
    small: ['auto', 'grpc'],
  }),
  formats: list('NAME,...', 'lossy formats beside fp32, over the first transport', oneOf(GRADIENT_FORMATS), {
    default: [],
    small: ['bf16'],
  }),
  turns: count('turns of everybody at every size', { default: 5, small: 1, least: 1 }),
  tune: flag('compare ways to cut the gradient into buckets and messages instead'),
};

const place = { ranks: z.int(), megabytes: z.number(), p50Ms: z.number() };

const compared = z.strictObject({
  ...place,
  name: z.string(),
  p99Ms: z.number(),
  /** As nccl-tests defines them: algbw = S / t, busbw = algbw * 2 (n - 1) / n. */
  algbwGBs: z.number(),
  busbwGBs: z.number(),
  cpuSecondsPerGB: z.number(),
  /** Absent for Gloo, which has no event loop. */
  blockedMs: z.number().optional(),
  /** Of the cost model, for the first transport. */
  predictedMs: z.number().optional(),
});

const tuned = z.strictObject({ ...place, bucketBytes: z.int(), messageBytes: z.int(), ratio: z.number() });

export type ComparedRow = z.infer<typeof compared>;

export const allreduceDefinition = defineBench({
  name: 'allreduce',
  summary: 'the all-reduce between processes of this machine, beside raw TCP between two Node processes and Gloo',
  options,
  shape: {
    row: z.union([compared, tuned]),
    figures: z.strictObject({
      addMsPerMB: z.number().optional(),
      checksumMsPerMB: z.number().optional(),
      memoryWriteMsPerMB: z.number().optional(),
      memoryReadMsPerMB: z.number().optional(),
    }),
    /** Above 1 is faster than what the key names; `a over b` otherwise. */
    ratios: z.record(z.string(), z.number().positive()),
  },
});

export type AllreduceOptions = typeof options;
