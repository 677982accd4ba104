/**
 * Makes a tfjs backend the current one. TensorFlow's is loaded from its parts and not through its package's entry, which
 * brings image codecs, TensorBoard and a downloader along. There is one tfjs in the process: the one that the model is written
 * with. If a binding comes with a copy of its own, it gets ours instead; otherwise its kernels would register in the copy.
 */
import { readFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { TrainingError } from '@facet/shared';
import { bindingFile } from './binding-folder.js';
import type { EagerEngineName } from './process-protocol.js';
import { installCommand, type TensorflowEngineName } from './tensorflow-release.js';

const require = createRequire(import.meta.url);

interface KernelBackendModule {
  readonly NodeJSKernelBackend: new (
    binding: unknown,
    packageName: string,
  ) => tf.KernelBackend & { readonly isUsingGpuDevice: boolean };
}

/**
 * Makes an engine's backend the current one of this process.
 *
 * @param folder the binding's folder; only the tensorflow engines have one
 * @throws TrainingError ENGINE_UNAVAILABLE when it cannot be loaded, or when there is no GPU for tensorflow-gpu
 */
export async function activateBackend(name: EagerEngineName, folder: string | undefined): Promise<void> {
  // Without it every backend prints advice, and some check every result for NaN.
  tf.enableProdMode();
  if (name === 'tfjs-cpu') {
    await tf.setBackend('cpu');
    return;
  }
  const backend = loadBackend(name, folder!);
  if (name === 'tensorflow-gpu' && !backend.isUsingGpuDevice) throw noGpu();
  tf.registerBackend('tensorflow', () => backend);
  await tf.setBackend('tensorflow');
}

function loadBackend(
  name: TensorflowEngineName,
  folder: string,
): InstanceType<KernelBackendModule['NodeJSKernelBackend']> {
  try {
    restoreRemovedFunctions();
    shareTfjs();
    const file = bindingFile(folder);
    if (file === undefined)
      throw new Error(`there is no lib/napi-v*/tfjs_binding.node for Node-API ${process.versions.napi}`);
    const { NodeJSKernelBackend } = require(join(folder, 'dist', 'nodejs_kernel_backend.js')) as KernelBackendModule;
    require(join(folder, 'dist', 'register_all_kernels.js'));
    const { name: packageName } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string };
    return new NodeJSKernelBackend(require(file), packageName);
  } catch (caught) {
    const reason = caught instanceof Error ? caught.message.split('\n')[0] : String(caught);
    throw new TrainingError(
      'ENGINE_UNAVAILABLE',
      `the engine ${name} in ${folder} does not load: ${reason}. Remove that folder and run \`${installCommand(name)}\``,
      { cause: caught },
    );
  }
}

function noGpu(): TrainingError {
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  const seen = visible === undefined ? 'CUDA_VISIBLE_DEVICES is not set' : `CUDA_VISIBLE_DEVICES is '${visible}'`;
  return new TrainingError(
    'ENGINE_UNAVAILABLE',
    `TensorFlow found no GPU that it can use (${seen}). It needs an NVIDIA driver for CUDA 12; ` +
      'set CUDA_VISIBLE_DEVICES to the number of one GPU (`nvidia-smi -L` lists them), or use the engine tensorflow',
  );
}

/** Functions that @tensorflow/tfjs-node 4.22 calls: Node 23 removed the first, and warns of the second. */
function restoreRemovedFunctions(): void {
  const functions = util as unknown as Record<string, unknown>;
  functions.isNullOrUndefined ??= (value: unknown) => value === undefined || value === null;
  functions.isArray = Array.isArray;
}

/** Answers every `require` of tfjs with the one that this module imports. */
function shareTfjs(): void {
  const resolver = Module as unknown as { _resolveFilename: (request: string, ...rest: unknown[]) => string };
  const resolve = resolver._resolveFilename.bind(Module);
  const union = require.resolve('@tensorflow/tfjs');
  const shared = new Map([
    ['@tensorflow/tfjs', union],
    ['@tensorflow/tfjs-core', createRequire(union).resolve('@tensorflow/tfjs-core')],
  ]);
  resolver._resolveFilename = (request, ...rest) => shared.get(request) ?? resolve(request, ...rest);
}
