import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeEngineApart, type ProbeApartOptions } from './probe-apart.js';
import { PROBE_TASK } from './probe-task.js';

const engine = { name: 'onnxruntime', device: 'cpu' } as const;
const timed = { task: PROBE_TASK, threads: 1 };
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-probe-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Probes with a module that does this when it is asked. */
async function probeWith(name: string, onMessage: string, options: Partial<ProbeApartOptions> = {}) {
  const file = path.join(folder, `${name}.mjs`);
  await writeFile(file, `process.once('message', () => { ${onMessage} });`);
  return probeEngineApart({ engine, timed }, { deadlineMs: 20_000, module: pathToFileURL(file), ...options });
}

describe('a probe in a process of its own', () => {
  it('proves and times an engine', async () => {
    const probe = await probeEngineApart({ engine, timed }, { deadlineMs: 25_000 });
    expect(probe).toMatchObject({ ...engine, ok: true, detail: 'gradients agree with the reference' });
    expect(probe.milliseconds).toBeGreaterThan(0);
    expect(probe.maxRelativeError).toBeLessThan(1e-4);
  });

  it('names the signal of a crash and what was said last', async () => {
    const crash = `process.stderr.write('loading\\nthe driver gave up\\n', () => process.kill(process.pid, 'SIGSEGV'))`;
    expect(await probeWith('crash', crash)).toEqual({
      ...engine,
      ok: false,
      detail: 'probing it failed: its process was ended by SIGSEGV (the driver gave up)',
      milliseconds: undefined,
      maxRelativeError: undefined,
    });
  });

  it('names the exit code of a process that ends without an answer', async () => {
    const { detail } = await probeWith('exit', 'process.exit(3)');
    expect(detail).toBe('probing it failed: its process ended with exit code 3');
  });

  it('kills a process that does not answer in time', async () => {
    const hang = 'setInterval(() => undefined, 1_000)';
    const { ok, detail } = await probeWith('hang', hang, { deadlineMs: 1_000 });
    expect({ ok, detail }).toEqual({ ok: false, detail: 'probing it failed: no answer within 1000 ms' });
  });

  it('hands on an error that is not a number', async () => {
    const { maxRelativeError } = await probeWith('nan', 'process.send({ ok: false, maxRelativeError: NaN })');
    expect(maxRelativeError).toBeNaN();
  });

  it('is cancelled by its signal, before and after it began', async () => {
    const controller = new AbortController();
    const hanging = probeWith('cancel', 'setInterval(() => undefined, 1_000)', { signal: controller.signal });
    controller.abort();
    await expect(hanging).rejects.toMatchObject({ code: 'CANCELLED' });
    const late = probeEngineApart({ engine, timed }, { deadlineMs: 1_000, signal: controller.signal });
    await expect(late).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
