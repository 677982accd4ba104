import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseGpus, watchGpus } from './gpu-metrics.js';

describe('what nvidia-smi prints', () => {
  test('is read in the units of the metrics', () => {
    expect(parseGpus('0, 45, 2048, 81559, 38, 120.51\n1, 0, 1, 81559, 30, 67.10\n')).toEqual([
      { gpu: '0', values: [0.45, 2_147_483_648, 81_559 * 1_048_576, 38, 120.51] },
      { gpu: '1', values: [0, 1_048_576, 81_559 * 1_048_576, 30, 67.1] },
    ]);
  });

  test('may be no number, or no row', () => {
    expect(parseGpus('0, [N/A], 2048, 4096, [Not Supported], \n')).toMatchObject([
      { values: [undefined, 2_147_483_648, 4_294_967_296, undefined, undefined] },
    ]);
    expect(parseGpus('No devices were found\n')).toEqual([]);
    expect(parseGpus('NVIDIA-SMI has failed, because, it, could, not, talk\n')).toEqual([]);
    expect(parseGpus('')).toEqual([]);
  });
});

describe.runIf(process.platform === 'linux')('the watch of GPUs', () => {
  let folder = '';

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'facet-gpu-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  async function program(script: string): Promise<string> {
    const file = path.join(folder, 'nvidia-smi');
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o700);
    return file;
  }

  test('sets gauges by GPU, and takes their values back when nothing is said any more', async () => {
    const broken = path.join(folder, 'broken');
    const command = await program(`[ -e ${broken} ] && exit 9; echo "3, 50, 1, 2, 41, 70.5"`);
    const registry = new Registry();
    using _watch = watchGpus({ registry, prefix: 'x_', command, everyMs: 20 });
    await vi.waitFor(async () => {
      expect(await registry.metrics()).toContain('x_gpu_utilization_ratio{gpu="3"} 0.5');
    });
    await writeFile(broken, '');
    await vi.waitFor(async () => {
      const text = await registry.metrics();
      expect(text).toContain('# TYPE x_gpu_power_watts gauge');
      expect(text).not.toContain('gpu="3"');
    });
  });

  test('asks with the names that nvidia-smi documents', async () => {
    const asked = path.join(folder, 'asked');
    const command = await program(`echo "$@" > ${asked}; echo "0, 1, 1, 1, 1, 1"`);
    const registry = new Registry();
    using _watch = watchGpus({ registry, prefix: 'x_', command });
    await vi.waitFor(async () => {
      expect(await registry.metrics()).toContain('gpu="0"');
    });
    expect((await readFile(asked, 'utf8')).trim()).toBe(
      '--query-gpu=index,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw --format=csv,noheader,nounits',
    );
  });

  test('makes no metric where there is no such program', async () => {
    const registry = new Registry();
    using _watch = watchGpus({ registry, prefix: 'x_', command: path.join(folder, 'nowhere'), everyMs: 1 });
    await vi.waitFor(() => {
      expect(process.getActiveResourcesInfo()).not.toContain('ProcessWrap');
    });
    expect(await registry.metrics()).toBe('\n');
  });
});
