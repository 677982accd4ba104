/** The peers of the engine bench in one process each: PyTorch, and tfjs's backends. */
import type { BenchContext } from '../bench.js';
import { figureKey } from '../figures.js';
import { openOptional } from '../process/optional-peer.js';
import { openPeer, type Peer, type PeerScript } from '../process/peer-process.js';
import type { VitConfig } from './vit-config.js';

const TORCH = { file: new URL('../../peers/vit.py', import.meta.url) };
const TFJS = { file: new URL('./tfjs-peer.js', import.meta.url) };

/** What tfjs-peer.ts is asked. */
export interface PassQuestion {
  readonly config: VitConfig;
  readonly batch: number;
  readonly isWarmUp: boolean;
}

export interface PassAnswer {
  readonly milliseconds: number;
  readonly loss: number;
  readonly gradientNorm: number;
  /** Only after a warm-up. */
  readonly kernels: readonly string[];
}

/** What vit.py is asked: a config, and beside it */
export interface TorchQuestion extends VitConfig {
  readonly batch: number;
  readonly runs: number;
}

export interface TorchAnswer {
  /** Of every run. */
  readonly milliseconds: readonly number[];
  readonly version: string;
}

export const TFJS_BACKENDS = ['tfjs-cpu', 'tfjs-wasm'] as const;
export type TfjsBackend = (typeof TFJS_BACKENDS)[number];

export interface EnginePeers {
  readonly torch: ((question: TorchQuestion) => Promise<TorchAnswer>) | undefined;
  readonly tfjs: Partial<Record<TfjsBackend, (question: PassQuestion) => Promise<PassAnswer>>>;
  close(): Promise<void>;
}

/**
 * Opens the peers that work here, each asked once for a pass of a model.
 *
 * @param notes what was skipped, and how the others run, is added to it
 */
export async function openPeers(
  config: VitConfig,
  batch: number,
  notes: string[],
  context: BenchContext,
): Promise<EnginePeers> {
  const open: Peer[] = [];
  const openProbed = async <Answer>(name: string, script: PeerScript, question: object) => {
    const peer = openPeer(name, script, context.signal);
    try {
      const answer = await peer.ask<Answer>(question);
      open.push(peer);
      return { peer, answer };
    } catch (caught) {
      await peer.close();
      throw caught;
    }
  };
  const torch = await openOptional('pytorchEager', notes, context, () =>
    openProbed<TorchAnswer>('PyTorch', TORCH, { ...config, batch, runs: 1 } satisfies TorchQuestion),
  );
  if (torch !== undefined) notes.push(`PyTorch ${torch.answer.version}: one thread; the best of its batches counts`);
  const tfjs: EnginePeers['tfjs'] = {};
  for (const name of TFJS_BACKENDS) {
    const script = { ...TFJS, args: [name.slice('tfjs-'.length)] };
    const question: PassQuestion = { config, batch, isWarmUp: true };
    const found = await openOptional(figureKey(name), notes, context, () =>
      openProbed<PassAnswer>(name, script, question),
    );
    if (found === undefined) continue;
    tfjs[name] = (asked) => found.peer.ask<PassAnswer>(asked);
    notes.push(
      `${name}: one process, one thread, the function as it is written; no kernel is replaced, it runs on ${found.answer.kernels.join(', ')}`,
    );
  }
  return {
    torch: torch && ((question) => torch.peer.ask<TorchAnswer>(question)),
    tfjs,
    async close() {
      await Promise.all(open.map((peer) => peer.close()));
    },
  };
}
