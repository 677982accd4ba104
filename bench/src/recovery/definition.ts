/** How soon a run goes on after a worker or the coordinator is killed or stopped. */
import { z } from 'zod';
import { defineBench } from '../bench.js';
import { count, flag } from '../options.js';

const options = {
  workers: count('workers', { default: 4, small: 2, least: 2 }),
  kills: count('workers to kill', { default: 50, small: 1 }),
  stops: count('workers to stop, like a machine that is gone', { default: 10, small: 0 }),
  failovers: count('coordinators to kill, and as many to stop', { default: 5, small: 0 }),
  store: flag('keep the run in NATS, so that every standby has a disk of its own'),
};

const row = z.strictObject({
  part: z.enum(['worker', 'failover']),
  signal: z.enum(['SIGKILL', 'SIGSTOP']),
  /** Until the coordinator knew; not for a coordinator. */
  detectionMs: z.number().optional(),
  /** Until the next step of a later generation. */
  recoveryMs: z.number(),
});

/** Null where nothing was harmed in that way. */
const milliseconds = z.number().nullable();

const figures = z.strictObject({
  workers: z.int(),
  stepMs: z.number().positive(),
  killToNextStepP50Ms: milliseconds,
  killToNextStepP99Ms: milliseconds,
  killNoticedP50Ms: milliseconds,
  killNoticedWorstMs: milliseconds,
  stopToNextStepP50Ms: milliseconds,
  stopNoticedP50Ms: milliseconds,
  stopNoticedWorstMs: milliseconds,
  failoverKillToNextStepP50Ms: milliseconds,
  failoverKillToNextStepWorstMs: milliseconds,
  failoverStopToNextStepP50Ms: milliseconds,
  failoverStopToNextStepWorstMs: milliseconds,
});

const ratios = z.strictObject({
  /** Neither data nor arithmetic nor exchange nor update. */
  otherShareOfAStep: z.number(),
  checkpointStallPerStep: z.number(),
});

export type RecoveryRow = z.infer<typeof row>;
export type RecoveryFigures = z.infer<typeof figures>;
export type RecoveryRatios = z.infer<typeof ratios>;
export type RecoveryOptions = typeof options;

export const recoveryDefinition = defineBench({
  name: 'recovery',
  summary: 'how soon a run goes on after a worker or the coordinator is killed or stopped',
  options,
  shape: { row, figures, ratios },
});
