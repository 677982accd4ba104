/**
 * The engine process: loads a tfjs backend and runs one binding at a time. TensorFlow.js computes on the JavaScript thread and
 * its add-on may not be loaded into a worker thread, so a process is the only place where it leaves the networking alone.
 * It ends when it is asked to, or when its parent has gone; a signal to the whole group is the parent's to answer.
 */
import { TrainingError } from '@facet/shared';
import { bindReference } from '@facet/task';
import { activateBackend } from './backend.js';
import { openEagerSession, type EagerSession } from './eager-session.js';
import type { ProcessReply, ProcessRequest } from './process-protocol.js';

let session: EagerSession | undefined;

const answer = async (request: Exclude<ProcessRequest, { kind: 'close' }>): Promise<ProcessReply> => {
  if (request.kind === 'start') {
    const { engine, binding, session: plan } = request.plan;
    await activateBackend(engine.name, binding);
    session = openEagerSession(plan, await bindReference(plan.task));
    return { kind: 'ready' };
  }
  return { kind: 'done', buffers: session!.run(request.binding, request.buffers) };
};

const handle = async (request: ProcessRequest): Promise<void> => {
  if (request.kind === 'close') {
    session?.close();
    process.exit();
  }
  try {
    process.send!(await answer(request));
  } catch (caught) {
    const { code, message } = TrainingError.from(caught);
    process.send!({ kind: 'failed', code, message } satisfies ProcessReply);
  }
};

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit());
process.on('message', (request: ProcessRequest) => void handle(request));
