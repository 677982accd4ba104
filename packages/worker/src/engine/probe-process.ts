/**
 * The process in which one engine is probed: it takes one request, answers it, and lives no longer than its parent. Its
 * native libraries may write what they like and may take it down; see probe-apart.ts.
 */
import { probeEngine } from './probe.js';
import type { ProbeRequest } from './probe-apart.js';

process.once('disconnect', () => process.exit());
process.once('message', (request) => {
  const { engine, timed } = request as ProbeRequest;
  void probeEngine(engine, timed).then((probe) => process.send?.(probe));
});
