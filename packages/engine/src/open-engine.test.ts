import { describe, expect, it } from 'vitest';
import { TrainingError, type EngineWish } from '@facet/shared';
import type { BatchTensors } from '@facet/task';
import type { Compute, ComputeOptions } from './compute.js';
import { formatEngine } from './engine-id.js';
import { openEngine, type EngineMachine } from './open-engine.js';
import { PROBE_TASK } from './probe-task.js';

interface Fake {
  readonly hasGpu?: boolean;
  /** Engines that open. */
  readonly opens: readonly string[];
  /** Time of a micro-batch of those that pass the probe. */
  readonly times?: Readonly<Record<string, number>>;
}

/** Opens an engine on a fake machine; says which were opened. */
async function open(wish: EngineWish, { hasGpu = false, opens, times = {} }: Fake) {
  const asked: string[] = [];
  const machine: EngineMachine = {
    evidence: () => ({ cuda: undefined, webgpu: hasGpu ? '/dev/dri/renderD128' : undefined }),
    probe: ({ engine }) => {
      const milliseconds = times[formatEngine(engine)];
      const ok = milliseconds !== undefined;
      return Promise.resolve({ ...engine, ok, detail: ok ? 'right' : 'no', milliseconds, maxRelativeError: undefined });
    },
    open: <T extends BatchTensors>({ engine }: ComputeOptions<T>) => {
      const name = formatEngine(engine);
      asked.push(name);
      if (opens.includes(name)) return Promise.resolve({ programSha256: name } as Compute<T>);
      return Promise.reject(new TrainingError('ENGINE_UNAVAILABLE', `${name} does not open`));
    },
  };
  const opening = openEngine({ wish, task: PROBE_TASK, threads: 1 }, machine);
  return { opened: await opening, asked };
}

const auto: EngineWish = { name: 'auto', device: 'auto' };

describe('opening an engine', () => {
  it('opens what was chosen', async () => {
    const { opened, asked } = await open(auto, { opens: ['onnxruntime/cpu'] });
    expect(opened.compute.programSha256).toBe('onnxruntime/cpu');
    expect(asked).toEqual(['onnxruntime/cpu']);
  });

  it('goes on with the next best when the chosen one does not open', async () => {
    const times = { 'onnxruntime/cpu': 20, 'onnxruntime/webgpu': 2 };
    const { opened, asked } = await open(auto, { hasGpu: true, opens: ['onnxruntime/cpu'], times });
    expect(formatEngine(opened.choice.engine)).toBe('onnxruntime/cpu');
    expect(asked).toEqual(['onnxruntime/webgpu', 'onnxruntime/cpu']);
    expect(opened.choice.passedOver).toContainEqual({
      engine: { name: 'onnxruntime', device: 'webgpu' },
      why: 'onnxruntime/webgpu does not open',
    });
  });

  it('takes tensorflow on the CPU when onnxruntime/cpu does not open', async () => {
    const { asked } = await open(auto, { opens: ['tensorflow/cpu'], times: { 'tensorflow/cpu': 30 } });
    expect(asked).toEqual(['onnxruntime/cpu', 'tensorflow/cpu']);
  });

  it('fails with the error of the engine that was asked for, and opens no other', async () => {
    const wish: EngineWish = { name: 'onnxruntime', device: 'webgpu' };
    await expect(open(wish, { hasGpu: true, opens: ['onnxruntime/cpu'] })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: 'onnxruntime/webgpu does not open',
    });
  });

  it('fails when nothing opens', async () => {
    await expect(open(auto, { opens: [] })).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });
});
