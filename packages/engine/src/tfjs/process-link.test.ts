import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { initialWeights, layoutParameters } from '@facet/task';
import { hostEngine } from '../engine-host.js';
import { PROBE, PROBE_TASK } from '../probe-task.js';
import { openEagerSession } from './eager-session.js';
import { openProcessLink } from './process-link.js';
import type { EagerSessionPlan } from './process-protocol.js';

const LAYOUT = layoutParameters(PROBE_TASK.parameters);
const PIXELS = PROBE.microBatch * PROBE.side ** 2;
const LOGITS = PROBE.microBatch * PROBE.classes;

/** The evaluation function of the small model, in one slot. */
const PLAN: EagerSessionPlan = {
  task: PROBE_TASK.reference,
  functions: ['evaluate'],
  bindings: [
    {
      program: 0,
      inputs: {
        ...Object.fromEntries(
          LAYOUT.slots.map(({ name, offset, length }) => [name, { buffer: 'weights', offset, length }]),
        ),
        images: { buffer: 'images', offset: 0, length: PIXELS },
      },
      outputs: { logits: { buffer: 'logits', offset: 0, length: LOGITS } },
    },
  ],
  bufferLengths: { weights: LAYOUT.length, images: PIXELS, logits: LOGITS },
  residentBuffer: 'weights',
};

function openLink() {
  const buffers = {
    weights: initialWeights(LAYOUT, 1),
    images: new Float32Array(PIXELS).fill(0.5),
    logits: new Float32Array(LOGITS),
  };
  const plan = { engine: { name: 'tfjs-cpu', device: 'cpu' }, binding: undefined, session: PLAN } as const;
  return { buffers, link: openProcessLink({ plan, buffers, threads: 1 }) };
}

const RUN = { binding: 0, copyIn: ['weights', 'images'] };

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('an eager session', () => {
  it('leaves as many tensors after every run, and none after it is closed', async () => {
    tf.enableProdMode();
    await tf.setBackend('cpu');
    const before = tf.memory().numTensors;
    const session = openEagerSession(PLAN, PROBE_TASK);
    const counts: number[] = [];
    const images = new Float32Array(PIXELS);
    for (const changed of [{ weights: initialWeights(LAYOUT, 1) }, {}, { weights: initialWeights(LAYOUT, 2) }, {}]) {
      session.run(0, { images, ...changed });
      counts.push(tf.memory().numTensors - before);
    }
    expect(counts).toEqual(counts.map(() => LAYOUT.slots.length));
    session.close();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('the engine process', { timeout: 120_000 }, () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  it('copies results into the buffers that it was given', async () => {
    const { buffers, link } = openLink();
    const host = await hostEngine(link);
    await host.run(RUN);
    expect(buffers.logits.some((value) => value !== 0)).toBe(true);
    await host.close();
  });

  it('is gone when the engine is closed', async () => {
    const { link } = openLink();
    const host = await hostEngine(link);
    expect(isRunning(link.pid!)).toBe(true);
    await host.close();
    expect(isRunning(link.pid!)).toBe(false);
  });

  it('fails the run that it dies in, and every later one, when it is killed', async () => {
    const { link } = openLink();
    const host = await hostEngine(link);
    const run = host.run(RUN);
    process.kill(link.pid!, 'SIGKILL');
    const error = { code: 'INTERNAL', message: expect.stringMatching(/engine tfjs-cpu\/cpu was ended by SIGKILL/) };
    await expect(run).rejects.toMatchObject(error);
    await expect(host.run(RUN)).rejects.toMatchObject(error);
    await host.close();
  });

  it('is ended by force, and its run failed, when it does not answer in time', async () => {
    const { link } = openLink();
    const host = await hostEngine(link, { startMs: 30_000, runMs: 50, closeMs: 50 });
    process.kill(link.pid!, 'SIGSTOP');
    await expect(host.run(RUN)).rejects.toMatchObject({ code: 'STEP_TIMEOUT' });
    await host.close();
    expect(isRunning(link.pid!)).toBe(false);
  });

  it('ends when its parent has gone', async () => {
    const file = fileURLToPath(new URL('../../dist/tfjs/engine-process.js', import.meta.url));
    const child = fork(file, { execArgv: [], serialization: 'advanced' });
    const plan = { engine: { name: 'tfjs-cpu', device: 'cpu' }, binding: undefined, session: PLAN };
    child.send({ kind: 'start', plan });
    expect((await once(child, 'message'))[0]).toEqual({ kind: 'ready' });
    const exit = once(child, 'exit');
    child.disconnect();
    expect(await exit).toEqual([0, null]);
  });

  it('leaves an interrupt of the whole group to its parent', async () => {
    const { link } = openLink();
    const host = await hostEngine(link);
    process.kill(link.pid!, 'SIGINT');
    await host.run(RUN);
    await host.close();
  });

  it('writes what it prints to stderr only, and quotes it when it dies', async () => {
    vi.stubEnv('NODE_OPTIONS', '--import=data:text/javascript,console.log(`told-by-the-child`)');
    const stdout = vi.spyOn(process.stdout, 'write');
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { link } = openLink();
    const host = await hostEngine(link);
    process.kill(link.pid!, 'SIGKILL');
    await expect(host.run(RUN)).rejects.toThrow(/it last said: told-by-the-child/);
    const texts = (calls: readonly unknown[][]): string => calls.map(([text]) => String(text)).join('');
    expect(texts(stderr.mock.calls)).toContain('told-by-the-child');
    expect(texts(stdout.mock.calls)).not.toContain('told-by-the-child');
    await host.close();
  });

  it('holds no command to the terminal in what it prints and quotes', async () => {
    vi.stubEnv('NODE_OPTIONS', '--import=data:text/javascript,console.log(String.fromCharCode(27)+`[2Jcleared`)');
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { link } = openLink();
    const host = await hostEngine(link);
    process.kill(link.pid!, 'SIGKILL');
    await expect(host.run(RUN)).rejects.toThrow(String.raw`it last said: \x1b[2Jcleared`);
    const printed = stderr.mock.calls.map(([text]) => String(text)).join('');
    expect(printed).toContain('\\x1b[2Jcleared\n');
    expect(printed).not.toContain('\u001b');
    await host.close();
  });
});
