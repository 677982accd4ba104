/**
 * The names of engines and devices, and which engine runs on which device: the one table for configuration, workers and
 * messages. Whether an engine works on a machine is tested on that machine.
 */

import { TrainingError } from '../errors.js';
import { suggestion } from './closest-name.js';

export const ENGINE_NAMES = ['onnxruntime', 'tensorflow', 'tensorflow-gpu', 'tfjs-cpu'] as const;
export const DEVICES = ['cpu', 'webgpu', 'cuda'] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];
export type Device = (typeof DEVICES)[number];

/** The devices that each engine can compute on. */
export const ENGINE_DEVICES: Readonly<Record<EngineName, readonly Device[]>> = {
  onnxruntime: ['cpu', 'webgpu', 'cuda'],
  tensorflow: ['cpu'],
  'tensorflow-gpu': ['cuda'],
  'tfjs-cpu': ['cpu'],
};

/** The engine and device that a user asks for. With `auto` the worker chooses. */
export interface EngineWish {
  readonly name: 'auto' | EngineName;
  readonly device: 'auto' | Device;
}

/** What somebody writes who wants a GPU. */
const GPU_NAMES = /^(gpus?|nvidia|rocm|hip|metal|mps|vulkan)(:\d+)?$/i;

/** What is probably meant by a choice that there is not. */
export function choiceAdvice(given: string, known: readonly string[]): string {
  if (known.includes('webgpu') && GPU_NAMES.test(given)) return '; for a GPU say cuda (NVIDIA) or webgpu';
  return suggestion(given, known);
}

/** If no engine can fulfil a wish: what is wrong with it, as a sentence about its device. Otherwise undefined. */
export function engineProblem({ name, device }: EngineWish): string | undefined {
  if (name === 'auto' || device === 'auto') return undefined;
  const devices = ENGINE_DEVICES[name];
  if (devices.includes(device)) return undefined;
  return `'${device}', expected auto or ${devices.join(' or ')}: engine ${name} runs on nothing else`;
}

/** What is wrong with an engine for a run that trains on attacked samples; undefined when it can attack. */
export function attackProblem(name: EngineWish['name']): string | undefined {
  if (name === 'auto' || name === 'onnxruntime') return undefined;
  return `'${name}', expected auto or onnxruntime: no other engine has the attack program that adversarial.eps above 0 needs`;
}

/**
 * The wish for one machine: what was asked for there, completed by the run's configuration.
 *
 * @throws TrainingError CONFIG_INVALID if no engine fulfils both.
 */
export function wishFor(asked: Partial<EngineWish>, run: EngineWish): EngineWish {
  const wish = { name: asked.name ?? run.name, device: asked.device ?? run.device };
  const problem = engineProblem(wish);
  if (problem === undefined) return wish;
  throw new TrainingError(
    'CONFIG_INVALID',
    `--device: ${problem}; the run says ${run.name} on ${run.device}: give both --engine and --device`,
  );
}

/**
 * The wish of a worker that trains a run: as {@link wishFor}. If the run trains on attacked samples, only engines that can
 * attack are left.
 *
 * @param attacks whether the task attacks its samples
 *
 * @throws TrainingError CONFIG_INVALID when no engine fulfils all of it.
 */
export function trainingWish(
  asked: Partial<EngineWish>,
  { engine, attacks }: { readonly engine: EngineWish; readonly attacks: boolean },
): EngineWish {
  const wish = wishFor(asked, engine);
  if (!attacks) return wish;
  const problem = attackProblem(wish.name);
  if (problem !== undefined) throw new TrainingError('CONFIG_INVALID', `--engine: ${problem}`);
  return { ...wish, name: 'onnxruntime' };
}
