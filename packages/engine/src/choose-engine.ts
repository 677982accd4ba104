/**
 * Chooses the engine of a worker. An engine that the user asked for is taken without a trial. Otherwise an engine whose
 * hardware is seen here must prove its gradients, and be faster than onnxruntime/cpu on the run's own program. If no GPU is
 * seen, nothing is measured. The reasons against every other engine are returned. The caller looks for hardware and measures.
 */
import { TrainingError, type EngineWish } from '@facet/shared';
import { ENGINES, formatEngine, isSameEngine, type EngineId } from './engine-id.js';
import type { GpuEvidence } from './gpu-evidence.js';
import type { EngineProbe } from './probe.js';

export interface PassedOver {
  readonly engine: EngineId;
  readonly why: string;
}

export interface EngineChoice {
  readonly engine: EngineId;
  /** Why this one, for the log. */
  readonly reason: string;
  /** True when the wish left no choice. */
  readonly isForced: boolean;
  readonly passedOver: readonly PassedOver[];
}

/** What a probe says that decides. */
export type EngineTrial = Pick<EngineProbe, 'ok' | 'detail' | 'milliseconds'>;

export interface ChooseEngineOptions {
  readonly wish: EngineWish;
  readonly evidence: GpuEvidence;
  /** Proves an engine's gradients and times it on the run's own training program. */
  readonly probe: (engine: EngineId) => Promise<EngineTrial>;
  /** Engines that were chosen before and could not be opened. */
  readonly broken?: readonly PassedOver[];
}

/** The engine that every machine has. The others are measured against it. */
const BASELINE: EngineId = { name: 'onnxruntime', device: 'cpu' };
/** A GPU must be faster by more than this share, so that noise does not make two workers of one machine choose differently. */
const MARGIN = 0.1;

const NOT_SEEN: Readonly<Record<EngineId['device'], string>> = {
  cpu: '',
  webgpu:
    'no GPU is seen here (/dev/dri/renderD*, /dev/nvidia*), and a driver that computes on the CPU is never chosen',
  cuda: 'no NVIDIA GPU is seen here',
};

/**
 * Chooses an engine.
 *
 * @throws TrainingError CONFIG_INVALID when no engine fulfils the wish, ENGINE_UNAVAILABLE naming every engine that was
 *   tried when none works, CANCELLED when a probe was.
 */
export async function chooseEngine(options: ChooseEngineOptions): Promise<EngineChoice> {
  const { wish, evidence, broken = [] } = options;
  const candidates = ENGINES.filter((engine) => fulfils(engine, wish));
  const [only, ...others] = candidates;
  if (only === undefined) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `engine.name ${wish.name} does not run on engine.device ${wish.device}; \`facet doctor\` lists what there is`,
    );
  }
  if (others.length === 0) return { engine: only, reason: 'it was asked for', isForced: true, passedOver: [] };

  const passedOver: PassedOver[] = [...broken];
  const isLeft = (engine: EngineId): boolean => !passedOver.some((entry) => isSameEngine(entry.engine, engine));
  for (const engine of candidates) {
    const why = whyNotTried(engine, wish, evidence);
    if (why !== undefined && isLeft(engine)) passedOver.push({ engine, why });
  }
  const choice = (engine: EngineId, reason: string): EngineChoice => {
    const rest = passedOver.filter((entry) => !isSameEngine(entry.engine, engine));
    return { engine, reason, isForced: false, passedOver: rest };
  };
  const attempt = (engine: EngineId): Promise<number | undefined> => tryEngine(engine, options, passedOver);

  const hasBaseline = candidates.some((engine) => isSameEngine(engine, BASELINE)) && isLeft(BASELINE);
  const onGpu = candidates.filter((engine) => engine.device !== 'cpu' && isLeft(engine));
  if (onGpu.length === 0 && hasBaseline) {
    return choice(BASELINE, wish.device === 'cpu' ? 'the CPU was asked for' : 'no GPU is seen, and it runs everywhere');
  }
  const baselineMs = hasBaseline ? await attempt(BASELINE) : undefined;
  const fastest = await race(onGpu, attempt, { baselineMs, passedOver });
  if (fastest !== undefined) {
    const compared = baselineMs === undefined ? '' : `; ${formatEngine(BASELINE)} takes ${shownMs(baselineMs)}`;
    return choice(fastest.engine, `its gradients are right and it is the fastest: ${shownMs(fastest.ms)}${compared}`);
  }
  if (baselineMs !== undefined) {
    return choice(BASELINE, `no engine on a GPU works and is faster: ${shownMs(baselineMs)}`);
  }
  for (const engine of candidates.filter(isFallback)) {
    if (broken.some((entry) => isSameEngine(entry.engine, engine))) continue;
    if ((await attempt(engine)) !== undefined) return choice(engine, `${formatEngine(BASELINE)} does not work here`);
  }
  throw nothingWorks(wish, passedOver);
}

/** True for an engine that serves where the baseline does not work. */
function isFallback({ name, device }: EngineId): boolean {
  return device === 'cpu' && name === 'tensorflow';
}

function fulfils({ name, device }: EngineId, wish: EngineWish): boolean {
  return (wish.name === 'auto' || wish.name === name) && (wish.device === 'auto' || wish.device === device);
}

/** Why an engine is not even probed; a device that was asked for by name needs no evidence. */
function whyNotTried(engine: EngineId, wish: EngineWish, evidence: GpuEvidence): string | undefined {
  const { name, device } = engine;
  if (name === 'tfjs-cpu') return 'it is far too slow to train with: only by name';
  if (isFallback(engine)) return `only where ${formatEngine(BASELINE)} does not work`;
  if (device === 'cpu' || wish.device !== 'auto' || evidence[device] !== undefined) return undefined;
  return NOT_SEEN[device];
}

/** The time of one micro-batch, in milliseconds; undefined when the engine failed, which is noted. */
async function tryEngine(
  engine: EngineId,
  { probe }: ChooseEngineOptions,
  passedOver: PassedOver[],
): Promise<number | undefined> {
  const note = (why: string): void => {
    const at = passedOver.findIndex((entry) => isSameEngine(entry.engine, engine));
    passedOver.splice(at < 0 ? passedOver.length : at, at < 0 ? 0 : 1, { engine, why });
  };
  try {
    const { ok, detail, milliseconds } = await probe(engine);
    if (ok && milliseconds !== undefined) return milliseconds;
    note(detail);
  } catch (caught) {
    const error = TrainingError.from(caught);
    if (error.code === 'CANCELLED') throw error;
    note(error.message);
  }
  return undefined;
}

interface RaceOptions {
  readonly baselineMs: number | undefined;
  readonly passedOver: PassedOver[];
}

/** The fastest of the engines that are right and clearly faster than the baseline. One after the other: they share the machine. */
async function race(
  engines: readonly EngineId[],
  attempt: (engine: EngineId) => Promise<number | undefined>,
  { baselineMs, passedOver }: RaceOptions,
): Promise<{ readonly engine: EngineId; readonly ms: number } | undefined> {
  let best: { readonly engine: EngineId; readonly ms: number } | undefined;
  for (const engine of engines) {
    const ms = await attempt(engine);
    if (ms === undefined) continue;
    if (baselineMs !== undefined && ms >= baselineMs * (1 - MARGIN)) {
      passedOver.push({
        engine,
        why: `not faster: ${shownMs(ms)}, ${formatEngine(BASELINE)} takes ${shownMs(baselineMs)}`,
      });
    } else if (best === undefined || ms < best.ms) {
      if (best !== undefined) passedOver.push({ engine: best.engine, why: slowerThan(best.ms, { engine, ms }) });
      best = { engine, ms };
    } else {
      passedOver.push({ engine, why: slowerThan(ms, best) });
    }
  }
  return best;
}

function slowerThan(ms: number, winner: { readonly engine: EngineId; readonly ms: number }): string {
  return `slower: ${shownMs(ms)}, ${formatEngine(winner.engine)} takes ${shownMs(winner.ms)}`;
}

function shownMs(milliseconds: number): string {
  return `${milliseconds.toFixed(1)} ms a micro-batch`;
}

function nothingWorks({ name, device }: EngineWish, passedOver: readonly PassedOver[]): TrainingError {
  const list = passedOver.map(({ engine, why }) => `${formatEngine(engine)}: ${why}`).join('; ');
  return new TrainingError(
    'ENGINE_UNAVAILABLE',
    `no engine works here for engine ${name} on device ${device} (${list}); \`facet doctor\` says what to install`,
  );
}
