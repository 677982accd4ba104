/** What TLS costs: the all-reduce, a training run, and many workers that join at once. */
import { z } from 'zod';
import { defineBench } from '../bench.js';
import { count } from '../options.js';

const options = {
  megabytes: count('of the gradient that is reduced', { default: 25, small: 1, least: 1 }),
  turns: count('turns of everybody', { default: 5, small: 1, least: 1 }),
  handshakes: count('workers that connect at once', { default: 256, small: 16, least: 1 }),
  samples: count('that a run trains on', { default: 20_000, small: 640, least: 256 }),
  epochs: count('of a run', { default: 2, small: 1, least: 1 }),
  workers: count('of a run', { default: 2, small: 1, least: 1 }),
};

const row = z.strictObject({
  what: z.enum(['all-reduce', 'training', 'handshakes']),
  way: z.enum(['plain', 'tls']),
  turn: z.int().nonnegative(),
  /** Milliseconds of a step, images per second, or seconds until everybody is connected. */
  value: z.number().positive(),
  unit: z.enum(['ms', 'images/s', 's']),
});

/** Medians of the rows. */
const figures = z.strictObject({
  allReducePlainMs: z.number(),
  allReduceTlsMs: z.number(),
  imagesPerSecondPlain: z.number(),
  imagesPerSecondTls: z.number(),
  handshakes: z.int(),
  connectedPlainSeconds: z.number(),
  connectedTlsSeconds: z.number(),
});

/** With TLS over without it, turn by turn. 1 is no loss. */
const ratios = z.strictObject({
  /** The speed of the all-reduce; at least a third is wanted. */
  allReduce: z.number().positive(),
  /** Images per second; at least 0.9 is wanted. */
  training: z.number().positive(),
});

export type TlsRow = z.infer<typeof row>;
export type TlsFigures = z.infer<typeof figures>;
export type TlsRatios = z.infer<typeof ratios>;
export type TlsOptions = typeof options;

export const tlsDefinition = defineBench({
  name: 'tls',
  summary: 'what TLS costs the all-reduce, a training run over TCP, and workers that join at once',
  options,
  shape: { row, figures, ratios },
});
