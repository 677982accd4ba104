/**
 * The engine thread: owns the sessions and runs one binding at a time. onnxruntime-node computes on the thread that calls
 * it, so without this thread no heartbeat and no byte of a peer would be handled while a micro-batch runs.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { TrainingError } from '@facet/shared';
import { createOrtSession, type Binding, type ProgramSession } from './ort-session.js';
import type {
  BindingPlan,
  BufferSlice,
  EnginePlan,
  EngineReply,
  EngineRequest,
  RunRequest,
} from '../engine-protocol.js';

interface OpenBinding {
  readonly binding: Binding;
  /** Buffers that a run writes. */
  readonly outputs: readonly string[];
}

const port = parentPort!;
const plan = workerData as EnginePlan;
const mirrors = new Map(
  Object.entries(plan.buffers).map(([name, shared]) => [
    name,
    { shared: new Float32Array(shared), own: new Float32Array(shared.byteLength / Float32Array.BYTES_PER_ELEMENT) },
  ]),
);

const reply = (message: EngineReply): void => {
  port.postMessage(message);
};

const attempt = async (action: () => Promise<EngineReply>): Promise<void> => {
  try {
    reply(await action());
  } catch (caught) {
    const { code, message } = TrainingError.from(caught);
    reply({ kind: 'failed', code, message });
  }
};

const slicesOf = (slices: BindingPlan['inputs']): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(slices).map(([name, slice]) => [name, ownSlice(slice)]));

function ownSlice({ buffer, offset, length }: BufferSlice): Float32Array {
  return mirrors.get(buffer)!.own.subarray(offset, offset + length);
}

let sessions: readonly ProgramSession[] = [];
let bindings: readonly OpenBinding[] = [];

const openSessions = async (): Promise<EngineReply> => {
  sessions = await Promise.all(plan.programs.map((program) => createOrtSession(program, plan.session)));
  bindings = plan.bindings.map(({ program, inputs, outputs }) => ({
    binding: sessions[program]!.bind(slicesOf(inputs), slicesOf(outputs)),
    outputs: [...new Set(Object.values(outputs).map((slice) => slice.buffer))],
  }));
  return { kind: 'ready' };
};

const run = async (request: RunRequest): Promise<EngineReply> => {
  for (const name of request.copyIn) {
    const { shared, own } = mirrors.get(name)!;
    own.set(shared);
  }
  const { binding, outputs } = bindings[request.binding]!;
  await binding.run();
  for (const name of outputs) {
    const { shared, own } = mirrors.get(name)!;
    shared.set(own);
  }
  return { kind: 'done' };
};

/** The thread is never torn down from outside: onnxruntime-node aborts the process when that interrupts a call of its own. */
const close = async (): Promise<void> => {
  for (const session of sessions) await session.close();
  port.close();
};

port.on('message', (request: EngineRequest) => {
  if (request.kind === 'close') void close();
  else void attempt(() => run(request));
});

await attempt(openSessions);
