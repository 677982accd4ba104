import { describe, expect, it } from 'vitest';
import { TrainingError, type EngineWish } from '@facet/shared';
import { chooseEngine, type EngineChoice, type EngineTrial, type PassedOver } from './choose-engine.js';
import { ENGINES, formatEngine, type EngineId } from './engine-id.js';
import type { GpuEvidence } from './gpu-evidence.js';

const NO_GPU: GpuEvidence = { cuda: undefined, webgpu: undefined };
const ANY_GPU: GpuEvidence = { cuda: undefined, webgpu: '/dev/dri/renderD128' };
const NVIDIA: GpuEvidence = { cuda: '/dev/nvidia0', webgpu: '/dev/nvidia0' };

/** By engine, `onnxruntime/cpu`: the time of a micro-batch, or how the probe fails. */
type Trials = Readonly<Record<string, number | EngineTrial | Error>>;

interface Situation {
  readonly wish?: Partial<EngineWish>;
  readonly evidence?: GpuEvidence;
  readonly trials?: Trials;
  readonly broken?: readonly PassedOver[];
}

/** Chooses, and notes what was probed. An engine without a trial is one that is not installed. */
async function choose({ wish, evidence = NO_GPU, trials = {}, broken = [] }: Situation) {
  const probed: string[] = [];
  const choosing = chooseEngine({
    wish: { name: 'auto', device: 'auto', ...wish },
    evidence,
    broken,
    probe: (engine) => {
      probed.push(formatEngine(engine));
      const trial = trials[formatEngine(engine)];
      if (trial instanceof Error) return Promise.reject(trial);
      if (typeof trial === 'number') return Promise.resolve({ ok: true, detail: 'right', milliseconds: trial });
      return Promise.resolve(trial ?? { ok: false, detail: 'not installed', milliseconds: undefined });
    },
  });
  return { choice: await choosing, probed };
}

function why({ passedOver }: EngineChoice, engine: string): string | undefined {
  return passedOver.find((entry) => formatEngine(entry.engine) === engine)?.why;
}

const broken = (name: EngineId['name'], device: EngineId['device']): PassedOver => ({
  engine: { name, device },
  why: 'it cannot be opened',
});

describe('an engine that was asked for', () => {
  it.each<[Partial<EngineWish>, string]>([
    [{ name: 'onnxruntime', device: 'webgpu' }, 'onnxruntime/webgpu'],
    [{ device: 'webgpu' }, 'onnxruntime/webgpu'],
    [{ name: 'tensorflow' }, 'tensorflow/cpu'],
    [{ name: 'tensorflow-gpu' }, 'tensorflow-gpu/cuda'],
    [{ name: 'tfjs-cpu' }, 'tfjs-cpu/cpu'],
  ])('is taken as it is, without a probe and without evidence: %o', async (wish, engine) => {
    const { choice, probed } = await choose({ wish });
    expect(formatEngine(choice.engine)).toBe(engine);
    expect(choice).toMatchObject({ isForced: true, passedOver: [] });
    expect(probed).toEqual([]);
  });

  it('is refused when it does not run on the device', async () => {
    await expect(choose({ wish: { name: 'tensorflow', device: 'webgpu' } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});

describe('where no GPU is seen', () => {
  it.each<Partial<EngineWish>>([{}, { name: 'onnxruntime' }, { device: 'cpu' }])(
    'onnxruntime/cpu is taken and nothing is probed: %o',
    async (wish) => {
      const { choice, probed } = await choose({ wish });
      expect(formatEngine(choice.engine)).toBe('onnxruntime/cpu');
      expect(probed).toEqual([]);
    },
  );

  it('says why every other engine was not taken', async () => {
    const { choice } = await choose({});
    const named = choice.passedOver.map(({ engine }) => formatEngine(engine));
    expect([...named, 'onnxruntime/cpu'].sort()).toEqual(ENGINES.map(formatEngine).sort());
    expect(why(choice, 'onnxruntime/webgpu')).toMatch(/no GPU is seen .* computes on the CPU is never chosen/);
    expect(why(choice, 'tensorflow/cpu')).toBe('only where onnxruntime/cpu does not work');
    expect(why(choice, 'tfjs-cpu/cpu')).toMatch(/only by name/);
  });

  it('tensorflow steps in when onnxruntime/cpu does not work', async () => {
    const situation = { broken: [broken('onnxruntime', 'cpu')], trials: { 'tensorflow/cpu': 40 } };
    const { choice, probed } = await choose(situation);
    expect(formatEngine(choice.engine)).toBe('tensorflow/cpu');
    expect(choice.reason).toBe('onnxruntime/cpu does not work here');
    expect(why(choice, 'onnxruntime/cpu')).toBe('it cannot be opened');
    expect(probed).toEqual(['tensorflow/cpu']);
  });

  it('fails and names every engine when neither works; tfjs-cpu never steps in', async () => {
    const choosing = choose({ broken: [broken('onnxruntime', 'cpu')], trials: { 'tfjs-cpu/cpu': 1 } });
    await expect(choosing).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringMatching(/onnxruntime\/cpu: it cannot be opened; .*tensorflow\/cpu: not installed/),
    });
  });

  it('fails when the engine that stepped in cannot be opened either', async () => {
    const situation = {
      broken: [broken('onnxruntime', 'cpu'), broken('tensorflow', 'cpu')],
      trials: { 'tensorflow/cpu': 1 },
    };
    await expect(choose(situation)).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });
});

describe('where a GPU is seen', () => {
  it('the GPU is taken when its gradients are right and it is faster on the program of the run', async () => {
    const { choice, probed } = await choose({
      evidence: ANY_GPU,
      trials: { 'onnxruntime/cpu': 20, 'onnxruntime/webgpu': 5 },
    });
    expect(formatEngine(choice.engine)).toBe('onnxruntime/webgpu');
    expect(choice.reason).toContain('5.0 ms a micro-batch; onnxruntime/cpu takes 20.0 ms a micro-batch');
    expect(why(choice, 'onnxruntime/cuda')).toBe('no NVIDIA GPU is seen here');
    expect(probed).toEqual(['onnxruntime/cpu', 'onnxruntime/webgpu']);
  });

  it.each([
    ['slower', 25],
    ['as fast', 20],
    ['faster by no more than noise', 18.5],
  ])('the CPU is taken when the GPU is %s', async (_, milliseconds) => {
    const trials = { 'onnxruntime/cpu': 20, 'onnxruntime/webgpu': milliseconds };
    const { choice } = await choose({ evidence: ANY_GPU, trials });
    expect(formatEngine(choice.engine)).toBe('onnxruntime/cpu');
    expect(why(choice, 'onnxruntime/webgpu')).toMatch(/^not faster: /);
  });

  it('the fastest of several is taken', async () => {
    const trials = {
      'onnxruntime/cpu': 20,
      'onnxruntime/webgpu': 6,
      'onnxruntime/cuda': 2,
      'tensorflow-gpu/cuda': 3,
    };
    const { choice } = await choose({ evidence: NVIDIA, trials });
    expect(formatEngine(choice.engine)).toBe('onnxruntime/cuda');
    expect(why(choice, 'onnxruntime/webgpu')).toMatch(/^slower: 6\.0 ms .* onnxruntime\/cuda takes 2\.0 ms/);
    expect(why(choice, 'tensorflow-gpu/cuda')).toMatch(/^slower: 3\.0 ms/);
  });

  it('an engine with wrong gradients is never taken, however fast', async () => {
    const detail = 'gradients differ by 2.0e-1, expected at most 0.0001; do not train on it';
    const wrong: EngineTrial = { ok: false, detail, milliseconds: 0.1 };
    const trials = { 'onnxruntime/cpu': 20, 'onnxruntime/webgpu': wrong };
    const { choice } = await choose({ evidence: ANY_GPU, trials });
    expect(formatEngine(choice.engine)).toBe('onnxruntime/cpu');
    expect(why(choice, 'onnxruntime/webgpu')).toBe(detail);
  });

  it('a probe that throws only rules out its engine', async () => {
    const trials = {
      'onnxruntime/cpu': 20,
      'onnxruntime/webgpu': new Error('the driver is broken'),
      'onnxruntime/cuda': 4,
    };
    const { choice } = await choose({ evidence: NVIDIA, trials });
    expect(formatEngine(choice.engine)).toBe('onnxruntime/cuda');
    expect(why(choice, 'onnxruntime/webgpu')).toBe('the driver is broken');
  });

  it('a probe that is cancelled ends the choice', async () => {
    const trials = { 'onnxruntime/cpu': new TrainingError('CANCELLED', 'the probe was cancelled') };
    await expect(choose({ evidence: ANY_GPU, trials })).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('the GPU needs no comparison when onnxruntime/cpu does not work', async () => {
    const { choice } = await choose({ evidence: ANY_GPU, trials: { 'onnxruntime/webgpu': 500 } });
    expect(formatEngine(choice.engine)).toBe('onnxruntime/webgpu');
    expect(why(choice, 'onnxruntime/cpu')).toBe('not installed');
  });

  it('tensorflow steps in when neither onnxruntime/cpu nor a GPU works', async () => {
    const { choice } = await choose({ evidence: ANY_GPU, trials: { 'tensorflow/cpu': 40 } });
    expect(formatEngine(choice.engine)).toBe('tensorflow/cpu');
  });

  it('a GPU that was chosen and could not be opened is not chosen again', async () => {
    const { choice, probed } = await choose({
      evidence: ANY_GPU,
      trials: { 'onnxruntime/cpu': 20, 'onnxruntime/webgpu': 5 },
      broken: [broken('onnxruntime', 'webgpu')],
    });
    expect(formatEngine(choice.engine)).toBe('onnxruntime/cpu');
    expect(probed).toEqual([]);
  });
});

describe('a device without an engine by name', () => {
  it('tries every engine of the device, seen or not, and takes the fastest', async () => {
    const trials = { 'onnxruntime/cuda': 4, 'tensorflow-gpu/cuda': 3 };
    const { choice } = await choose({ wish: { device: 'cuda' }, trials });
    expect(formatEngine(choice.engine)).toBe('tensorflow-gpu/cuda');
    expect(choice.isForced).toBe(false);
  });

  it('never falls back to another device', async () => {
    const choosing = choose({ wish: { device: 'cuda' }, trials: { 'onnxruntime/cpu': 1 } });
    await expect(choosing).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringMatching(
        /for engine auto on device cuda \(onnxruntime\/cuda: not installed; tensorflow-gpu/,
      ),
    });
  });
});
