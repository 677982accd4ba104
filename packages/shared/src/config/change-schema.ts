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
  return z
    .strictObject({ from: of.describe('The value before.'), to: of.describe('The value from the next step on.') })
    .optional();
}

const { peakLearningRate, finalShare, weightDecay, clipNorm } = optimizerSchema.shape;

export const changeMembers = {
  afterStep: z.int().min(0).max(MOST_STEPS).describe('It holds for every step after this one.'),
  epochs: fromTo(epochs).describe('More epochs, or fewer where the coordinator ended the run early.'),
  optimizer: z
    .strictObject({
      peakLearningRate: fromTo(peakLearningRate).describe('A changed peak of the learning rate.'),
      finalShare: fromTo(finalShare).describe('A changed end of the schedule.'),
      weightDecay: fromTo(weightDecay).describe('A changed weight decay.'),
      clipNorm: fromTo(clipNorm).describe('A changed norm to clip to.'),
    })
    .optional()
    .describe('Keys that the update alone reads: the program of a step and the state stay what they are.'),
  reason: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Why the coordinator ended the run early: then `epochs` are fewer. Absent where a resume asked ' +
        'for the change.',
    ),
  schedule: z.enum(SCHEDULE_WAYS).optional().describe('Absent: the schedule goes on as it was, as `hold` says.'),
};

export const changeSchema = z.strictObject(changeMembers);

export type RunChange = z.infer<typeof changeSchema>;
