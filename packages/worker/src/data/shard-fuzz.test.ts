/**
 * Whatever the broker hands out, a rank gets the micro-batch of the plan or a code, and nothing waits for ever. `npm run bench
 * -- fuzz` multiplies the cases by FACET_FUZZ_SCALE.
 */
import { decodeShardMessage, encodeShardMessage, systemClock, TrainingError, type WorkItem } from '@facet/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  messageOf,
  openWith,
  plan,
  settlesNow,
  shardOf,
  start,
  Subscription,
  valuesOf,
} from '../../test/shard-feed.js';

const SCALE = Number(process.env['FACET_FUZZ_SCALE'] ?? 1);

const item: fc.Arbitrary<WorkItem> = fc.record({
  kind: fc.constantFrom('train' as const, 'evaluate' as const),
  step: fc.integer({ min: 1, max: plan.totalSteps }),
});

/** Any message of the plan, whole and valid, for this rank or not. */
const planned = fc
  .tuple(item, fc.nat({ max: 1 }))
  .filter(([of, index]) => (of.kind === 'train' || plan.isLastOfEpoch(of.step)) && index < plan.microBatchCount(of))
  .map(([of, index]) => messageOf(of, index));

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

/** What a message of this format can say, and no coordinator would. Its checksum is right. */
const invented = fc
  .record({
    kind: fc.constantFrom('train' as const, 'evaluate' as const),
    generation: fc.constantFrom(0, 1, 2, 0xffff_ffff),
    epoch: fc.constantFrom(0, 1, 0xffff_ffff),
    step: fc.oneof(fc.nat({ max: 5 }), uint32),
    index: fc.oneof(fc.nat({ max: 3 }), uint32),
    ids: fc.uint32Array({ minLength: 1, maxLength: 8 }),
    bytes: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
  })
  .map(({ bytes, ...rest }) =>
    encodeShardMessage(
      bytes === undefined ? rest : { ...rest, samples: new Uint8Array(bytes * rest.ids.length).fill(bytes) },
    ),
  );

const damaged = fc.tuple(planned, fc.nat(), fc.nat({ max: 7 }), fc.nat()).map(([message, at, bit, cut]) => {
  const bytes = Uint8Array.from(message.subarray(0, message.length - (cut % 3)));
  bytes[at % bytes.length]! ^= 1 << bit;
  return bytes;
});

const anything = fc.oneof(planned, invented, damaged, fc.uint8Array({ maxLength: 100 }));

/** The two micro-batches of the first step, with what else comes before, between and behind them. */
const traffic = fc
  .tuple(fc.array(anything, { maxLength: 4 }), fc.array(anything, { maxLength: 4 }), fc.boolean())
  .map(([before, between, isTurned]) => {
    const own = [messageOf(start, 0), messageOf(start, 1)];
    if (isTurned) own.reverse();
    return [...before, own[0]!, ...between, own[1]!];
  });

describe('what the broker hands out', () => {
  it('ends as the micro-batch of the plan or as a code, whatever came with it', async () => {
    await fc.assert(
      fc.asyncProperty(traffic, async (messages) => {
        const { source, asked } = openWith({ ...systemClock, schedule: () => () => undefined });
        const subscription = new Subscription();
        asked[0]!.make(subscription);
        for (const message of messages) subscription.push(message);
        for (const index of [0, 1]) {
          const ids = plan.microBatch(start, index);
          const taken = await source.take(start, index).catch((error: unknown) => error);
          if (taken instanceof Error) {
            expect(taken).toBeInstanceOf(TrainingError);
            expect((taken as TrainingError).code).toBe('SHARD_INVALID');
          } else {
            expect(taken).toEqual({ ids, fields: valuesOf(ids) });
          }
        }
        expect(source.backlog).toBeLessThanOrEqual(messages.length);
        expect(await settlesNow(source.close())).toBe(true);
      }),
      { numRuns: 300 * SCALE },
    );
  });

  it('is taken when it is only repeated, turned around, or of another generation', async () => {
    const harmless = fc.array(
      fc.oneof(
        fc.nat({ max: 1 }).map((index) => messageOf(start, index)),
        fc.integer({ min: 2, max: 9 }).map((generation) => encodeShardMessage({ ...shardOf(start, 0), generation })),
      ),
      { maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(harmless, harmless, async (before, between) => {
        const { source, asked } = openWith();
        const subscription = new Subscription();
        asked[0]!.make(subscription);
        for (const message of [...before, messageOf(start, 1), ...between, messageOf(start, 0)])
          subscription.push(message);
        for (const index of [0, 1]) {
          const ids = plan.microBatch(start, index);
          expect(await source.take(start, index)).toEqual({ ids, fields: valuesOf(ids) });
        }
        await source.close();
      }),
      { numRuns: 100 * SCALE },
    );
  });

  it('reaches the checks behind the decoder: most of what is made here is read', () => {
    const read = fc.sample(invented, 200).filter((bytes) => decodeShardMessage(bytes).ids.length > 0);
    expect(read).toHaveLength(200);
  });
});
