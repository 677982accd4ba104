/**
 * The peers of the engine bench. One that does not work here is skipped, with its own words for the reason, and has no ratio.
 */
import { figureKey } from './figures.mjs';
import { openPeer } from './peer-process.mjs';

const TORCH = new URL('../peers/vit.py', import.meta.url);
const TFJS = new URL('./tfjs-peer.mjs', import.meta.url);

/** Opens a peer; undefined, with the reason printed and noted, when it does not work here. */
export async function openOptional(ratio, notes, open) {
  try {
    return await open();
  } catch (caught) {
    const note = `skipped: ${caught.message}; the ratio ${ratio} is left out`;
    console.error(note);
    notes.push(note);
    return undefined;
  }
}

/**
 * PyTorch as `torch`, and tfjs's backends by name as `tfjs`, each asked once for a pass of a model.
 *
 * @param notes what was skipped, and how the others run, is added to it
 */
export async function openPeers({ config, batch, notes }) {
  const torch = await openOptional('pytorchEager', notes, () =>
    openProbed('PyTorch', TORCH, [], { ...config, batch, runs: 1 }),
  );
  if (torch !== undefined) notes.push(`PyTorch ${torch.probed.version}: one thread; the best of its batches counts`);
  const tfjs = {};
  for (const backend of ['cpu', 'wasm']) {
    const name = `tfjs-${backend}`;
    const peer = await openOptional(figureKey(name), notes, () =>
      openProbed(name, TFJS, [backend], { config, batch, isWarmUp: true }),
    );
    if (peer === undefined) continue;
    tfjs[name] = peer;
    notes.push(
      `${name}: one process, one thread, the function as it is written; no kernel is replaced, it runs on ${peer.probed.kernels.join(', ')}`,
    );
  }
  return { torch, tfjs };
}

async function openProbed(name, script, args, question) {
  const peer = openPeer(name, script, args);
  try {
    return { ...peer, probed: await peer.ask(question) };
  } catch (caught) {
    await peer.close();
    throw caught;
  }
}
