import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { registerDiskGauge } from './disk-metrics.js';

async function gaugeOf(folder: string): Promise<number> {
  const registry = new Registry();
  registerDiskGauge({ registry, name: 'free_bytes', help: 'Free.', folder });
  return Number(/^free_bytes (.+)$/m.exec(await registry.metrics())?.[1]);
}

test.runIf(process.platform === 'linux')('says what df says', async () => {
  const df = (): number =>
    Number(execFileSync('df', ['--output=avail', '-B1', tmpdir()], { encoding: 'utf8' }).split('\n')[1]);
  const before = df();
  const said = await gaugeOf(tmpdir());
  const after = df();
  // Others write meanwhile.
  const slack = Math.abs(after - before) + 64 * 1_048_576;
  expect(Math.abs(said - before)).toBeLessThan(slack);
});

test('has no value where there is no such folder', async () => {
  expect(await gaugeOf(path.join(tmpdir(), 'facet-nowhere'))).toBeNaN();
});
