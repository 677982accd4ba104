/**
 * Opens an engine for a wish. It chooses an engine and opens it; if that fails, it chooses again among the others. An engine
 * that the user named is opened, or its error is thrown. The user never gets another engine than the named one.
 */
import { TrainingError, type EngineWish } from '@facet/shared';
import type { BatchTensors, Task } from '@facet/task';
import { chooseEngine, type EngineChoice, type PassedOver } from './choose-engine.js';
import { createCompute, type Compute, type ComputeOptions } from './compute.js';
import { findGpuEvidence, type GpuEvidence } from './gpu-evidence.js';
import { probeEngineApart, type ProbeRequest } from './probe-apart.js';
import type { EngineProbe, TimedProgram } from './probe.js';

export interface OpenEngineOptions<T extends BatchTensors = BatchTensors> extends TimedProgram {
  readonly task: Task<T>;
  readonly wish: EngineWish;
  /** Cancels the choice. */
  readonly signal?: AbortSignal;
}

export interface OpenedEngine<T extends BatchTensors = BatchTensors> {
  readonly choice: EngineChoice;
  readonly compute: Compute<T>;
}

/** What opening needs of the machine; fakes in tests. */
export interface EngineMachine {
  evidence(): GpuEvidence;
  probe(request: ProbeRequest, signal: AbortSignal | undefined): Promise<EngineProbe>;
  open<T extends BatchTensors>(options: ComputeOptions<T>): Promise<Compute<T>>;
}

/** Several GPU engines that hang must not cost more than a worker has to become ready (timeouts.gatherMs). */
const PROBE_DEADLINE_MS = 20_000;

const THIS_MACHINE: EngineMachine = {
  evidence: () => findGpuEvidence(),
  probe: (request, signal) => probeEngineApart(request, { deadlineMs: PROBE_DEADLINE_MS, signal }),
  open: createCompute,
};

/**
 * Chooses and opens an engine for a run's programs.
 *
 * @throws TrainingError ENGINE_UNAVAILABLE when the engine that was asked for, or every one that could be chosen, does not
 *   work here; CONFIG_INVALID when there is none of that kind; CANCELLED.
 */
export async function openEngine<T extends BatchTensors>(
  { wish, task, threads, signal }: OpenEngineOptions<T>,
  machine: EngineMachine = THIS_MACHINE,
): Promise<OpenedEngine<T>> {
  const broken: PassedOver[] = [];
  const evidence = machine.evidence();
  const timed = { task, threads };
  for (;;) {
    const probe = ({ name, device }: EngineChoice['engine']): Promise<EngineProbe> =>
      machine.probe({ engine: { name, device }, timed }, signal);
    const choice = await chooseEngine({ wish, evidence, probe, broken });
    try {
      return { choice, compute: await machine.open({ ...timed, engine: choice.engine }) };
    } catch (caught) {
      const error = TrainingError.from(caught);
      if (choice.isForced || error.code !== 'ENGINE_UNAVAILABLE') throw error;
      broken.push({ engine: choice.engine, why: error.message });
    }
  }
}
