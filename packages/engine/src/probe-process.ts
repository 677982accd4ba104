/**
 * The process in which one engine is probed: it takes one request, answers it, and lives no longer than its parent. Its
 * native libraries may write what they like and may take it down; see probe-apart.ts.
 */
import { bindReference } from '@facet/task';
import type { ProbeMessage } from './probe-apart.js';

// What stands on stderr is shown as the reason of a crash; tfjs greets there when it is loaded.
console.warn = () => undefined;

process.once('disconnect', () => process.exit());
process.once('message', (request) => {
  const { engine, timed } = request as ProbeMessage;
  void import('./probe.js')
    .then(async ({ probeEngine }) => probeEngine(engine, { ...timed, task: await bindReference(timed.task) }))
    .then((probe) => process.send?.(probe));
});
