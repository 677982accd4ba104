/**
 * What every store of runs must do. A store's own test file calls this with a way to open it. Stores that differ in how
 * they fail are given their faults in files of their own.
 */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentOf, readAll, type Content, type RunStore, type Store } from '../src/store/run-store.js';

export interface StoreUnderTest {
  readonly store: Store;
  /** The same place as another process sees it. */
  other(): Promise<Store>;
  close(): Promise<void>;
}

export interface ContractOptions {
  readonly open: () => Promise<StoreUnderTest>;
  /** How many random histories; fewer where every call is a request. */
  readonly histories: number;
}

export async function bytesOf(run: RunStore): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of run.ledger.read()) pieces.push(piece);
  return Buffer.concat(pieces);
}

export async function textOf(run: RunStore): Promise<string> {
  return (await bytesOf(run)).toString();
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

type Step =
  | { readonly kind: 'claim'; readonly writer: number }
  | { readonly kind: 'append'; readonly writer: number; readonly text: string; readonly isRepeated: boolean };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('claim' as const), writer: fc.nat(2) }),
    fc.record({
      kind: fc.constant('append' as const),
      writer: fc.nat(2),
      text: fc.string({ minLength: 1, maxLength: 30 }),
      isRepeated: fc.boolean(),
    }),
  ),
  { minLength: 1, maxLength: 25 },
);

export function describeStore(name: string, { open, histories }: ContractOptions): void {
  describe(`the store ${name}`, () => {
    let under: StoreUnderTest;
    let runs = 0;
    const newRun = async (store = under.store): Promise<RunStore & { readonly run: string }> => {
      runs += 1;
      const run = `run-${runs}-${randomBytes(3).toString('hex')}`;
      return Object.assign(await store.open(run), { run });
    };

    beforeAll(async () => {
      under = await open();
    }, 60_000);
    afterAll(() => under.close());

    it('reads what was put, also from another process, and the newer of two', async () => {
      await using run = await newRun();
      await using elsewhere = await under.other();
      await using seen = await elsewhere.open(run.run);
      expect(await run.objects.get('config.json')).toBeUndefined();
      for (const text of ['{"a":1}', '', 'longer than before']) {
        await run.objects.put('config.json', contentOf(text));
        for (const { objects } of [run, seen]) {
          const object = await objects.get('config.json');
          expect(object?.bytes).toBe(text.length);
          expect(Buffer.from(await readAll(object!)).toString()).toBe(text);
        }
      }
    });

    it('lists names by their beginning, and removes one without its neighbours', async () => {
      await using run = await newRun();
      const names = ['checkpoints/step-000000010/model.safetensors', 'checkpoints/step-000000010/run.json', 'run.key'];
      for (const each of names) await run.objects.put(each, contentOf(each));
      expect(await run.objects.list('')).toEqual(names);
      expect(await run.objects.list('checkpoints/step-')).toEqual(names.slice(0, 2));
      expect(await run.objects.list('nothing')).toEqual([]);
      await run.objects.remove(names[1]!);
      await run.objects.remove('never there');
      expect(await run.objects.list('')).toEqual([names[0], names[2]]);
      expect(await run.objects.get(names[1]!)).toBeUndefined();
      expect(Buffer.from(await readAll((await run.objects.get(names[0]!))!)).toString()).toBe(names[0]);
    });

    it('takes content of several messages and parts, and gives the same bytes back piece by piece', async () => {
      await using run = await newRun();
      const content = randomBytes(19 * 1024 * 1024 + 17);
      const pieces = function* (): Iterable<Uint8Array> {
        for (let at = 0; at < content.byteLength; at += 700_001) yield content.subarray(at, at + 700_001);
      };
      await run.objects.put('checkpoints/model.safetensors', { bytes: content.byteLength, pieces });
      const object = (await run.objects.get('checkpoints/model.safetensors'))!;
      expect(object.bytes).toBe(content.byteLength);
      const read: Uint8Array[] = [];
      for await (const piece of object.pieces) read.push(Buffer.from(piece));
      expect(Buffer.concat(read).equals(content)).toBe(true);
      // Piece by piece: the whole never has to be in memory at once.
      expect(Math.max(...read.map(({ byteLength }) => byteLength))).toBeLessThan(content.byteLength / 2);
    });

    it('keeps what was there when the new content fails half-way', async () => {
      await using run = await newRun();
      await run.objects.put('model', contentOf('before'));
      const failing: Content = {
        bytes: 20 * 1024 * 1024,
        async *pieces() {
          yield await Promise.resolve(new Uint8Array(9 * 1024 * 1024));
          throw new Error('the source is gone');
        },
      };
      await expect(run.objects.put('model', failing)).rejects.toThrow('the source is gone');
      await expect(run.objects.put('other', failing)).rejects.toThrow('the source is gone');
      expect(Buffer.from(await readAll((await run.objects.get('model'))!)).toString()).toBe('before');
      expect(await run.objects.list('')).toEqual(['model']);
    });

    it('lets only the last one that claimed append', async () => {
      await using run = await newRun();
      await using elsewhere = await under.other();
      await using seen = await elsewhere.open(run.run);
      expect(await textOf(run)).toBe('');
      const first = await run.ledger.claim();
      await first.append(0, bytes('one\n'));
      await first.append(4, bytes('two\n'));
      const second = await seen.ledger.claim();
      expect(await textOf(seen)).toBe('one\ntwo\n');
      expect([await first.isHeld(), await second.isHeld()]).toEqual([false, true]);
      await expect(first.append(8, bytes('lost\n'))).rejects.toMatchObject({ code: 'RUN_LOCKED' });
      expect(await textOf(run)).toBe('one\ntwo\n');
      await second.append(8, bytes('three\n'));
      await expect(first.append(8, bytes('lost\n'))).rejects.toMatchObject({ code: 'RUN_LOCKED' });
      expect(await textOf(run)).toBe('one\ntwo\nthree\n');
      expect(await textOf(seen)).toBe('one\ntwo\nthree\n');
      await first.release();
      await second.release();
    });

    it(
      'has exactly what was acknowledged, whoever claims and repeats what (property)',
      { timeout: 120_000 },
      async () => {
        await fc.assert(
          fc.asyncProperty(steps, async (history) => {
            const views: RunStore[] = [await newRun()];
            const { run } = views[0] as RunStore & { run: string };
            for (let index = 1; index < 3; index += 1) views.push(await under.store.open(run));
            const claims = new Map<number, Awaited<ReturnType<RunStore['ledger']['claim']>>>();
            let holder = -1;
            let expected = '';
            for (const step of history) {
              if (step.kind === 'claim') {
                await claims.get(step.writer)?.release();
                claims.set(step.writer, await views[step.writer]!.ledger.claim());
                holder = step.writer;
                continue;
              }
              const claim = claims.get(step.writer);
              if (claim === undefined) continue;
              const at = Buffer.byteLength(expected);
              if (step.writer !== holder) {
                await expect(claim.append(at, bytes(step.text))).rejects.toMatchObject({ code: 'RUN_LOCKED' });
                continue;
              }
              await claim.append(at, bytes(step.text));
              if (step.isRepeated) await claim.append(at, bytes(step.text));
              expected += step.text;
            }
            for (const view of views) expect(await textOf(view)).toBe(expected);
            for (const claim of claims.values()) await claim.release();
          }),
          { numRuns: histories },
        );
      },
    );

    it('keeps many appends in order, and one that is larger than a message', async () => {
      await using run = await newRun();
      const claim = await run.ledger.claim();
      const lines = Array.from({ length: 150 }, (_, index) => `${index} ${'x'.repeat(index)}\n`);
      lines[70] = `${'y'.repeat(2_500_000)}\n`;
      let at = 0;
      for (const line of lines) {
        await claim.append(at, bytes(line));
        at += line.length;
      }
      expect(await textOf(run)).toBe(lines.join(''));
      const next = await run.ledger.claim();
      await next.append(at, bytes('after\n'));
      expect(await textOf(run)).toBe(`${lines.join('')}after\n`);
      await claim.release();
      await next.release();
    });

    it('keeps runs apart, lists them, and removes one', async () => {
      await using one = await newRun();
      await using two = await newRun();
      for (const each of [one, two]) {
        const claim = await each.ledger.claim();
        await claim.append(0, bytes(each.run));
        await claim.release();
        await each.objects.put('config.json', contentOf(each.run));
      }
      expect(await under.store.runs()).toEqual(expect.arrayContaining([one.run, two.run]));
      await under.store.remove(one.run);
      expect(await under.store.runs()).not.toContain(one.run);
      await using again = await under.store.open(one.run);
      expect([await textOf(again), await again.objects.list('')]).toEqual(['', []]);
      expect(await textOf(two)).toBe(two.run);
    });
  });
}
