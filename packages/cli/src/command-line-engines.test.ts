/** Engines and devices that are refused: exit code 2, what is expected, and nothing is started. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { up, useRefusals, type Refusal } from '../test/refused-commands.js';

const { folder, refused, expectRefused } = useRefusals();

test.each<Refusal>([
  [
    'an engine that cannot be installed',
    ['engine', 'install', 'tensrflow'],
    "error [CONFIG_INVALID]: there is no engine 'tensrflow' to install, expected tensorflow; did you mean tensorflow?\n",
  ],
  [
    'an unknown engine',
    [...up, '--engine', 'tfjs'],
    "error [CONFIG_INVALID]: engine.name: 'tfjs' (from the command line), expected one of auto, onnxruntime, tensorflow, tensorflow-gpu, tfjs-cpu\n",
  ],
  [
    'an engine on a device that it cannot use',
    [...up, '--engine', 'tensorflow', '--device', 'webgpu'],
    "error [CONFIG_INVALID]: engine.device: 'webgpu', expected auto or cpu: engine tensorflow runs on nothing else\n",
  ],
  [
    'an unknown engine to probe',
    ['doctor', '--engine', 'onnx'],
    "error [CONFIG_INVALID]: --engine: 'onnx', expected one of onnxruntime, tensorflow, tensorflow-gpu, tfjs-cpu\n",
  ],
  [
    'an unknown engine to evaluate with',
    ['evaluate', 'some-run', '--engine', 'tensorflwo'],
    "error [CONFIG_INVALID]: --engine: 'tensorflwo', expected one of auto, onnxruntime, tensorflow, tensorflow-gpu, tfjs-cpu; did you mean tensorflow?\n",
  ],
  [
    'an engine that cannot attack',
    [...up, '--adversarial', '--engine', 'tensorflow'],
    "error [CONFIG_INVALID]: engine.name: 'tensorflow', expected auto or onnxruntime: no other engine has the attack program that adversarial.eps above 0 needs\n",
  ],
  [
    'an evaluation on an unknown device',
    ['evaluate', 'demo', '--device', 'cdua'],
    "error [CONFIG_INVALID]: --device: 'cdua', expected one of auto, cpu, webgpu, cuda; did you mean cuda?\n",
  ],
])('refuses %s', (_, args, message) => expectRefused(args, message));

test.each([
  ['tensorflow', up, 'npx facet engine install tensorflow`'],
  ['tensorflow-gpu', up, 'npx facet engine install tensorflow --gpu`'],
  ['tensorflow', ['ablate', '--dataset', 'mnist'], 'npx facet engine install tensorflow`'],
  ['tensorflow', ['worker', '--coordinator', '127.0.0.1:1'], 'npx facet engine install tensorflow`'],
])('refuses the engine %s where it is not installed, before %j starts anything', async (engine, args, advice) => {
  const { stdout, stderr } = await refused([...args, '--engine', engine], { FACET_CACHE: path.join(folder(), 'none') });
  expect(stdout).toBe('');
  expect(stderr).toMatch(new RegExp(`^error \\[ENGINE_UNAVAILABLE\\]: the engine ${engine} is not installed: `));
  expect(stderr).toContain(`Run \`${advice}, or use another engine\n`);
});

test.each(['up', 'ablate', 'evaluate', 'predict', 'worker'])(
  'refuses %s --device gpu, and names both',
  async (command) => {
    const options: Readonly<Record<string, readonly string[]>> = {
      up: ['--dataset', 'mnist'],
      ablate: ['--dataset', 'mnist'],
      evaluate: ['a-run'],
      predict: ['a.png'],
      worker: ['--coordinator', '127.0.0.1:1'],
    };
    const { stderr } = await refused([command, ...(options[command] ?? []), '--device', 'gpu']);
    expect(stderr).toMatch(/^error \[CONFIG_INVALID\]: (--device|engine\.device): 'gpu'/);
    expect(stderr).toContain('expected one of auto, cpu, webgpu, cuda; for a GPU say cuda (NVIDIA) or webgpu\n');
  },
);
