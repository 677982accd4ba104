import { TrainingError } from '@facet/shared';
import { mkdir, readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/fixtures.js';
import type { FetchProgress } from './progress.js';
import { fetchFromSources, type FetchPlan, type FetchSource } from './sources.js';

const never = new AbortController().signal;

function goodSource(name: string, text = 'right'): FetchSource {
  return { name, obtain: ({ content }) => writeFile(join(content, 'file'), text) };
}

function failingSource(name: string, error: Error): FetchSource {
  return { name, obtain: () => Promise.reject(error) };
}

async function planOf(sources: readonly FetchSource[]): Promise<FetchPlan> {
  const target = join(await temporaryFolder(), 'cache', 'toy');
  const seal = async (folder: string): Promise<void> => {
    const text = await readFile(join(folder, 'file'), 'utf8');
    if (text !== 'right') throw new TrainingError('DATASET_INVALID', `file is '${text}', expected 'right'`);
  };
  return { dataset: 'toy', target, sources, seal, remedy: 'Try later.' };
}

describe('fetchFromSources', () => {
  it('publishes the first source that works and tells what happened', async () => {
    const network = new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND a.example') });
    const plan = await planOf([failingSource('a', network), goodSource('b'), goodSource('never tried')]);
    const events: FetchProgress[] = [];
    await fetchFromSources(plan, (event) => events.push(event), never);
    expect(await readFile(join(plan.target, 'file'), 'utf8')).toBe('right');
    expect(events).toEqual([
      { kind: 'trying', source: 'a' },
      { kind: 'failed', source: 'a', reason: 'fetch failed: getaddrinfo ENOTFOUND a.example' },
      { kind: 'trying', source: 'b' },
      { kind: 'checking', source: 'b' },
      { kind: 'ready', folder: plan.target },
    ]);
  });

  it('lists every source with its reason when none works, and leaves nothing behind', async () => {
    const plan = await planOf([failingSource('a', new Error('no network')), goodSource('b', 'wrong')]);
    const message =
      'toy could not be fetched from any source:\n' +
      '  1. a: no network\n' +
      "  2. b: file is 'wrong', expected 'right'\n" +
      'Try later.';
    await expect(fetchFromSources(plan, () => undefined, never)).rejects.toThrow(
      new TrainingError('DATASET_UNAVAILABLE', message),
    );
    expect(await readdir(join(plan.target, '..'))).toEqual([]);
  });

  it('replaces what was there only by content that was sealed', async () => {
    const plan = await planOf([goodSource('a', 'wrong')]);
    await mkdir(plan.target, { recursive: true });
    await writeFile(join(plan.target, 'file'), 'old');
    await expect(fetchFromSources(plan, () => undefined, never)).rejects.toThrow(TrainingError);
    expect(await readFile(join(plan.target, 'file'), 'utf8')).toBe('old');
    await fetchFromSources({ ...plan, sources: [goodSource('b')] }, () => undefined, never);
    expect(await readFile(join(plan.target, 'file'), 'utf8')).toBe('right');
    expect(await readdir(join(plan.target, '..'))).toEqual(['toy']);
  });

  it('does not go on to the next source when cancelled', async () => {
    const controller = new AbortController();
    const cancelling: FetchSource = {
      name: 'a',
      obtain: () => {
        controller.abort();
        return Promise.reject(new Error('aborted'));
      },
    };
    const plan = await planOf([cancelling, goodSource('b')]);
    await expect(fetchFromSources(plan, () => undefined, controller.signal)).rejects.toMatchObject({
      code: 'CANCELLED',
      message: 'the fetch of toy was cancelled and nothing was changed in the cache; run it again',
    });
    expect(await readdir(join(plan.target, '..'))).toEqual([]);
  });

  it('lets two fetches of one dataset finish side by side', async () => {
    const plan = await planOf([goodSource('a')]);
    await Promise.all(Array.from({ length: 3 }, () => fetchFromSources(plan, () => undefined, never)));
    expect(await readFile(join(plan.target, 'file'), 'utf8')).toBe('right');
  });

  it('removes the staging folder of a process that died, not that of a live one', async () => {
    const plan = await planOf([goodSource('a')]);
    const cache = join(plan.target, '..');
    await mkdir(join(cache, 'toy.staging-dead', 'content'), { recursive: true });
    await mkdir(join(cache, 'toy.staging-live', 'content'), { recursive: true });
    await utimes(join(cache, 'toy.staging-dead'), new Date(0), new Date(0));
    await fetchFromSources(plan, () => undefined, never);
    expect((await readdir(cache)).toSorted()).toEqual(['toy', 'toy.staging-live']);
  });
});
