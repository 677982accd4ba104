/**
 * The names of engines and devices, and which engine runs on which: the one table that configuration, workers and
 * messages are made from. Whether an engine works on a machine is found out there, not here.
 */

import { TrainingError } from '../errors.js';

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

/** What somebody asks for; `auto` leaves it to the worker. */
export interface EngineWish {
  readonly name: 'auto' | EngineName;
  readonly device: 'auto' | Device;
}

/** What is wrong with a wish that no engine can fulfil, as a sentence about its device; undefined when one can. */
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
 * What was asked for on one machine, and for the rest what the run says.
 *
 * @throws TrainingError CONFIG_INVALID when no engine fulfils both.
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
 * What a worker may choose from to train a run: as {@link wishFor}, narrowed to the engines that can attack when the run
 * trains on attacked samples.
 *
 * @throws TrainingError CONFIG_INVALID when no engine fulfils all of it.
 */
export function trainingWish(
  asked: Partial<EngineWish>,
  { engine, adversarial }: { readonly engine: EngineWish; readonly adversarial: { readonly eps: number } },
): EngineWish {
  const wish = wishFor(asked, engine);
  if (adversarial.eps === 0) return wish;
  const problem = attackProblem(wish.name);
  if (problem !== undefined) throw new TrainingError('CONFIG_INVALID', `--engine: ${problem}`);
  return { ...wish, name: 'onnxruntime' };
}
