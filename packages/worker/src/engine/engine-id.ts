/**
 * Which engine computes, and on what. An engine is named apart from its device, because the same program may run on several;
 * two workers compute the same bits only when both agree.
 */
export type EngineName = 'onnxruntime' | 'tensorflow' | 'tensorflow-gpu' | 'tfjs-cpu';

export type Device = 'cpu' | 'webgpu' | 'cuda';

export interface EngineId {
  readonly name: EngineName;
  readonly device: Device;
}

/** Every engine that Facet knows. */
export const ENGINES: readonly EngineId[] = [
  { name: 'onnxruntime', device: 'cpu' },
  { name: 'onnxruntime', device: 'webgpu' },
  { name: 'onnxruntime', device: 'cuda' },
  { name: 'tensorflow', device: 'cpu' },
  { name: 'tensorflow-gpu', device: 'cuda' },
  { name: 'tfjs-cpu', device: 'cpu' },
];

/** An engine as people read it: `onnxruntime/cpu`. */
export function formatEngine({ name, device }: EngineId): string {
  return `${name}/${device}`;
}
