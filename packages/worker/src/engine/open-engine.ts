/**
 * Opens an engine for a wish. It chooses an engine and opens it; if that fails, it chooses again among the others. An engine
 * that the user named is opened, or its error is thrown. The user never gets another engine than the named one.
 */
import { TrainingError, type EngineWish } from '@facet/shared';
import { chooseEngine, type EngineChoice, type PassedOver } from './choose-engine.js';
import { createCompute, type Compute, type ComputeOptions } from './compute.js';
import { findGpuEvidence, type GpuEvidence } from './gpu-evidence.js';
import { probeEngineApart, type ProbeRequest } from './probe-apart.js';
import type { EngineProbe, TimedProgram } from './probe.js';

export interface OpenEngineOptions extends TimedProgram {
  readonly wish: EngineWish;
  /** The run trains on attacked samples: the wish must name an engine that can attack. */
  readonly isAttacked?: boolean;
  /** Cancels the choice. */
  readonly signal?: AbortSignal;
}

export interface OpenedEngine {
  readonly choice: EngineChoice;
  readonly compute: Compute;
}

/** What opening needs of the machine; fakes in tests. */
export interface EngineMachine {
  evidence(): GpuEvidence;
  probe(request: ProbeRequest, signal: AbortSignal | undefined): Promise<EngineProbe>;
  open(options: ComputeOptions): Promise<Compute>;
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
export async function openEngine(
  { wish, shape, threads, isAttacked = false, signal }: OpenEngineOptions,
  machine: EngineMachine = THIS_MACHINE,
): Promise<OpenedEngine> {
  const broken: PassedOver[] = [];
  const evidence = machine.evidence();
  const timed = { shape, threads };
  for (;;) {
    const probe = ({ name, device }: EngineChoice['engine']): Promise<EngineProbe> =>
      machine.probe({ engine: { name, device }, timed }, signal);
    const choice = await chooseEngine({ wish, evidence, probe, broken });
    try {
      return { choice, compute: await machine.open({ ...timed, engine: choice.engine, isAttacked }) };
    } catch (caught) {
      const error = TrainingError.from(caught);
      if (choice.isForced || error.code !== 'ENGINE_UNAVAILABLE') throw error;
      broken.push({ engine: choice.engine, why: error.message });
    }
  }
}
