/**
 * Which engine computes, and on what. An engine is named apart from its device, because the same program may run on several;
 * two workers compute the same bits only when both agree.
 */
import { ENGINE_DEVICES, ENGINE_NAMES, type Device, type EngineName, TrainingError } from '@facet/shared';

export type { Device, EngineName } from '@facet/shared';

export interface EngineId {
  readonly name: EngineName;
  readonly device: Device;
}

/** Every engine that Facet knows, on every device that it can use. */
export const ENGINES: readonly EngineId[] = ENGINE_NAMES.flatMap((name) =>
  ENGINE_DEVICES[name].map((device) => ({ name, device })),
);

/** An engine as people read it: `onnxruntime/cpu`. */
export function formatEngine({ name, device }: EngineId): string {
  return `${name}/${device}`;
}

/** True when both are the same engine on the same device. */
export function isSameEngine(one: EngineId, other: EngineId): boolean {
  return one.name === other.name && one.device === other.device;
}

/** @throws TrainingError ENGINE_UNAVAILABLE for an engine that cannot take the gradient by an input. */
export function requireAttacker(engine: EngineId): void {
  if (engine.name === 'onnxruntime') return;
  throw new TrainingError('ENGINE_UNAVAILABLE', `${formatEngine(engine)} cannot attack yet; use onnxruntime`);
}
