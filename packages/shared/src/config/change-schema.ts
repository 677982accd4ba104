/**
 * A recorded change: what a resume changed in the half of a configuration that decides the arithmetic, and from which step on
 * it holds. The ledger's records and the configuration's `changes` have the same members, so they can be compared.
 */
import { z } from 'zod';
import { optimizerSchema } from './optimizer-schema.js';

/** What the schedule of the learning rate does where a run gets more epochs. */
export const SCHEDULE_WAYS = ['hold', 'stretch', 'restart'] as const;
export type ScheduleWay = (typeof SCHEDULE_WAYS)[number];

/** Most epochs of a run. */
export const MOST_EPOCHS = 100_000;

/** More than any run takes. */
const MOST_STEPS = 1_000_000_000_000;

const epochs = z.int().min(1).max(MOST_EPOCHS);

function fromTo<T extends z.ZodType>(of: T): z.ZodOptional<z.ZodObject<{ from: T; to: T }, z.core.$strict>> {
  return z.strictObject({ from: of, to: of }).optional();
}

const { peakLearningRate, finalShare, weightDecay, clipNorm } = optimizerSchema.shape;

export const changeMembers = {
  /** It holds for every step after this one. */
  afterStep: z.int().min(0).max(MOST_STEPS),
  epochs: fromTo(epochs),
  /** Keys that the update alone reads: the program of a step and the state stay what they are. */
  optimizer: z
    .strictObject({
      peakLearningRate: fromTo(peakLearningRate),
      finalShare: fromTo(finalShare),
      weightDecay: fromTo(weightDecay),
      clipNorm: fromTo(clipNorm),
    })
    .optional(),
  /** Why the coordinator ended the run early: then `epochs` are fewer. Absent where a resume asked for the change. */
  reason: z.string().min(1).optional(),
  /** Absent: the schedule goes on as it was, as `hold` says. */
  schedule: z.enum(SCHEDULE_WAYS).optional(),
};

export const changeSchema = z.strictObject(changeMembers);

export type RunChange = z.infer<typeof changeSchema>;
