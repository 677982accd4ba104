/**
 * Probes engines for `facet doctor`, each in a process of its own and one after the other. At the same time they would share
 * the cores. In one process, a crashing driver would take the other probes with it.
 */
import { datasetShape, TrainingError, usableCores, type EngineName } from '@facet/shared';
import { PRESETS } from '@facet/multiview/config';
import type { EngineChoice, EngineProbe, TimedProgram } from '@facet/engine';

const PRESET = 'mnist-fast';
/** Loading, proving and timing the slowest engine on a slow machine. */
const DEADLINE_MS = 90_000;

/** What every engine is timed on, for people. */
export const TIMED_PROGRAM_TEXT = `one micro-batch of ${PRESETS[PRESET].batch.micro} images of preset ${PRESET}, forward and backward, ${usableCores()} threads`;

/** Every engine is timed on the default preset's training program, on all cores. */
async function timedProgram(): Promise<TimedProgram> {
  const { multiViewShape, multiViewTask } = await import('@facet/multiview');
  return { task: multiViewTask(multiViewShape(datasetShape('mnist'), PRESETS[PRESET])), threads: usableCores() };
}

export type AutoChoice =
  ({ readonly ok: true } & Pick<EngineChoice, 'engine' | 'reason'>) | { readonly ok: false; readonly reason: string };

/** Probes every engine, or those of one name; `onProbed` is called after each. */
export async function probeEngines(name: EngineName | undefined, onProbed: () => void): Promise<EngineProbe[]> {
  const { ENGINES, probeEngineApart } = await import('@facet/engine');
  const timed = await timedProgram();
  const probes: EngineProbe[] = [];
  for (const engine of ENGINES) {
    if (name !== undefined && engine.name !== name) continue;
    probes.push(await probeEngineApart({ engine, timed }, { deadlineMs: DEADLINE_MS }));
    onProbed();
  }
  return probes;
}

/** What a worker would choose on this machine, from probes that were made already. */
export async function chooseFrom(probes: readonly EngineProbe[]): Promise<AutoChoice> {
  const { chooseEngine, findGpuEvidence, isSameEngine } = await import('@facet/engine');
  const found = (engine: EngineChoice['engine']): EngineProbe | undefined =>
    probes.find((probe) => isSameEngine(probe, engine));
  // A worker finds out when it opens an engine. Here the result of the probe is known already.
  const broken = probes.filter(({ ok }) => !ok).map((engine) => ({ engine, why: engine.detail }));
  try {
    const { engine, reason } = await chooseEngine({
      wish: { name: 'auto', device: 'auto' },
      evidence: findGpuEvidence(),
      probe: (engine) => Promise.resolve(found(engine) ?? { ok: false, detail: 'not probed', milliseconds: undefined }),
      broken,
    });
    return { ok: true, engine, reason };
  } catch (caught) {
    return { ok: false, reason: TrainingError.from(caught).message };
  }
}
