/** The way to the engine thread. Buffers are shared memory, so requests and replies are all that crosses it. */
import { Worker } from 'node:worker_threads';
import { TrainingError } from '@facet/shared';
import type { EngineLink, LinkListener } from '../engine-host.js';
import type { EnginePlan, EngineReply } from '../engine-protocol.js';

/** Starts the engine thread; it replies once when its sessions are made: ENGINE_UNAVAILABLE when the device does not work here. */
export function openThreadLink(plan: EnginePlan): EngineLink {
  // The thread runs compiled code in tests too; both src/engine/onnxruntime and dist/engine/onnxruntime lie three levels below the package.
  const thread = new Worker(new URL('../../dist/onnxruntime/engine-thread.js', import.meta.url), {
    workerData: plan,
  });
  return {
    send(request) {
      thread.postMessage(request);
    },
    listen({ onReply, onEnd }: LinkListener) {
      thread.on('message', (reply: EngineReply) => {
        onReply(reply);
      });
      thread.on('error', (error) => {
        onEnd(TrainingError.from(error));
      });
      thread.on('exit', (code) => {
        onEnd(new TrainingError('INTERNAL', `the engine thread ended with exit code ${code}`));
      });
    },
    ended: new Promise((resolve) => {
      thread.once('exit', () => {
        resolve();
      });
    }),
    kill() {
      void thread.terminate();
    },
  };
}
