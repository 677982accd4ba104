import { systemClock, type WorkItem } from '@facet/shared';
import { describe, expect, it, vi } from 'vitest';
import {
  FIELDS,
  idsOf,
  messageOf,
  openWith,
  plan,
  settlesNow,
  start,
  Subscription,
  valuesOf,
} from '../../test/shard-feed.js';
import type { ShardSource, ShardSourceOptions } from './shard-source.js';

describe('a shard source that is closed', () => {
  it('does not wait for a consumer that is still being made, and ends it when it comes', async () => {
    const { source, asked } = openWith();
    expect(await settlesNow(source.close())).toBe(true);
    const late = new Subscription();
    asked[0]!.make(late);
    await vi.waitUntil(() => late.isClosed);
  });

  it('ends a consumer that comes in the same moment', async () => {
    const { source, asked } = openWith();
    const subscription = new Subscription();
    asked[0]!.make(subscription);
    expect(await settlesNow(source.close())).toBe(true);
    expect(subscription.isClosed).toBe(true);
  });

  it('ends the consumer that it reads', async () => {
    const { source, asked } = openWith();
    const subscription = new Subscription();
    asked[0]!.make(subscription);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await settlesNow(source.close())).toBe(true);
    expect(subscription.isClosed).toBe(true);
  });

  it('does not wait for its next attempt when the broker refused it, and makes none', async () => {
    const { source, asked } = openWith({ ...systemClock, schedule: () => () => undefined });
    asked[0]!.refuse(new Error('stream not found'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await settlesNow(source.close())).toBe(true);
    expect(asked).toHaveLength(1);
  });

  it('tells whoever waits for a shard', async () => {
    const { source } = openWith();
    const taking = source.take(start, 0);
    void source.close();
    await expect(taking).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a shard source', () => {
  const opened = async (): Promise<{ source: ShardSource; subscription: Subscription }> => {
    const { source, asked } = openWith();
    const subscription = new Subscription();
    asked[0]!.make(subscription);
    return Promise.resolve({ source, subscription });
  };

  it('hands out what came early, twice or out of order, once', async () => {
    const { source, subscription } = await opened();
    for (const index of [1, 1, 0, 0]) subscription.push(messageOf(start, index));
    for (const index of [0, 1]) {
      const ids = plan.microBatch(start, index);
      expect(await source.take(start, index)).toEqual({ ids, fields: valuesOf(ids) });
    }
    subscription.push(messageOf(start, 1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(source.backlog).toBe(0);
    await source.close();
  });

  it('keeps no more than the coordinator may publish ahead', async () => {
    const { source, subscription } = await opened();
    for (let step = 1; step <= 6; step++) subscription.push(messageOf({ kind: 'train', step }, 0));
    const later = source.take({ kind: 'train', step: 6 }, 0);
    await expect(later).rejects.toMatchObject({
      code: 'SHARD_INVALID',
      message: expect.stringContaining(
        'a micro-batch of step 6 came while rank 0 is at step 1, expected step 5',
      ) as string,
    });
    expect(source.backlog).toBe(5);
    expect(await settlesNow(source.close())).toBe(true);
  });

  it('follows a rank that has no micro-batch for many steps', async () => {
    const { source, subscription } = await opened();
    for (let step = 1; step <= 6; step++) source.begin({ kind: 'train', step });
    const item = { kind: 'train', step: 6 } as const;
    subscription.push(messageOf(item, 1));
    subscription.push(messageOf(start, 0));
    expect((await source.take(item, 1)).ids).toEqual(plan.microBatch(item, 1));
    // What is before the rank's place comes too late.
    expect(source.backlog).toBe(0);
    await source.close();
  });

  it('refuses samples of other fields than the run has', async () => {
    const { source, subscription } = await opened();
    subscription.push(messageOf(start, 0, { label: FIELDS['label']! }));
    await expect(source.take(start, 0)).rejects.toMatchObject({
      code: 'SHARD_INVALID',
      message: '2 samples came in 2 bytes, expected 18: label uint8 [], at float32 [2]',
    });
    await source.close();
  });

  it('refuses ids without samples in a run that streams its data', async () => {
    const { source, subscription } = await opened();
    subscription.push(idsOf(start, 0));
    await expect(source.take(start, 0)).rejects.toMatchObject({
      code: 'SHARD_INVALID',
      message: 'a shard without samples came, but this run streams its data (data: stream)',
    });
    await source.close();
  });

  it('reads the samples of ids itself where it has the data, of the split that the work is of', async () => {
    const asked: string[] = [];
    const local: ShardSourceOptions['local'] = {
      read(split, ids) {
        asked.push(`${split} ${Array.from(ids).join()}`);
        return Promise.resolve(valuesOf(Uint32Array.from(ids)));
      },
    };
    const evaluation: WorkItem = { kind: 'evaluate', step: plan.stepsPerEpoch };
    for (const item of [start, evaluation]) {
      const { source, asked: consumers } = openWith(systemClock, { local, start: item });
      const subscription = new Subscription();
      consumers[0]!.make(subscription);
      subscription.push(idsOf(item, 0));
      const ids = plan.microBatch(item, 0);
      expect(await source.take(item, 0)).toEqual({ ids, fields: valuesOf(ids) });
      await source.close();
    }
    expect(asked).toEqual([
      `train ${plan.microBatch(start, 0).join()}`,
      `test ${plan.microBatch(evaluation, 0).join()}`,
    ]);
  });
});
