/** A run of one worker whose ports, processes and steps are known, so that strangers can be sent and their cost read. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RunKey } from '@facet/coordinator/internal';
import { Exchange } from '@facet/proto';
import { COORDINATOR_GENERATION, readLedgerRecords } from '@facet/shared';
import { findBroker, freePort, startBroker } from 'facet-train/internal';
import { facetCommand } from '../process/facet-command.js';
import { createChildren } from '../process/children.js';
import type { Target } from './attacks.js';

const RUN = 'attacked';
const HOST = '127.0.0.1';
const POLL_MS = 50;
const FIRST_STEP_DEADLINE_MS = 120_000;

export interface Memory {
  readonly coordinatorMB: number;
  readonly workerMB: number;
}

export interface AttackedRun extends AsyncDisposable {
  readonly ports: Readonly<Record<'coordinator' | 'coordinator-http' | 'worker' | 'worker-http', Target>>;
  /** Committed so far. */
  steps(): Promise<number>;
  /** Resident sets now. */
  memory(): Promise<Memory>;
  /** A peer's request for the training state after a step. */
  stateRequest(step: number): Promise<Buffer>;
}

/** The request for the training state after a step, of somebody who has the key of the run in a folder. */
async function pullStateRequest(folder: string, step: number): Promise<Buffer> {
  const key = await readFile(path.join(folder, 'runs', RUN, 'run.key'), 'utf8');
  const { passes } = new RunKey(Buffer.from(key.trim(), 'hex'));
  const { generation, proof } = passes.forState({ run: RUN, generation: COORDINATOR_GENERATION, step });
  return Exchange.service.PullState.requestSerialize({ run: RUN, step, generation, proof: Buffer.from(proof) });
}

/** Starts broker, coordinator and worker; resolves after the first steps. */
export async function openAttackedRun(
  folder: string,
  { width, signal }: { readonly width: number; readonly signal: AbortSignal },
): Promise<AttackedRun> {
  const found = await findBroker({ env: process.env });
  if (!found.ok) throw new Error('no nats-server was found; npm test installs one');
  const grpc = await freePort(HOST);
  const http = await freePort(HOST);
  const worker = await freePort(HOST);
  const workerHttp = await freePort(HOST);
  const token = randomBytes(32).toString('hex');
  const env = { ...process.env, FACET_RUNS: path.join(folder, 'runs'), FACET_RUN_TOKEN: token };
  const broker = { binary: found.broker.path, folder, logFile: path.join(folder, 'broker.log'), env };
  const nats = await startBroker(broker, () => undefined);
  const children = createChildren(env);
  const start = (name: string, ...args: string[]) => {
    const log = openSync(path.join(folder, `${name}.log`), 'a');
    const child = children.start(facetCommand(name, ...args, '--exit-with-parent'), log);
    closeSync(log);
    return child;
  };
  const sets = ['epochs=1000', 'samples.test=256', 'engine.threads=1', `model.width=${width}`];
  const coordinator = start(
    'coordinator',
    ...['--nats', nats.url, '--run', RUN, '--dataset', 'mnist', '--workers', '1'],
    ...['--port', String(grpc), '--http-port', String(http)],
    ...sets.flatMap((set) => ['--set', set]),
  );
  const trainer = start(
    'worker',
    ...['--coordinator', `${HOST}:${grpc}`],
    ...['--port', String(worker), '--metrics-port', String(workerHttp)],
  );
  const run: AttackedRun = {
    ports: {
      coordinator: { host: HOST, port: grpc },
      'coordinator-http': { host: HOST, port: http },
      worker: { host: HOST, port: worker },
      'worker-http': { host: HOST, port: workerHttp },
    },
    async steps() {
      // There is no ledger yet when it cannot be read.
      const records = await readLedgerRecords(path.join(folder, 'runs', RUN, 'ledger.jsonl')).catch(() => []);
      return records.filter(({ kind }) => kind === 'commit').length;
    },
    async memory() {
      return { coordinatorMB: await residentMB(coordinator.pid), workerMB: await residentMB(trainer.pid) };
    },
    stateRequest: (step) => pullStateRequest(folder, step),
    async [Symbol.asyncDispose]() {
      await children.killAll();
      nats.process.kill();
      await nats.process.ended;
    },
  };
  try {
    const deadline = performance.now() + FIRST_STEP_DEADLINE_MS;
    while ((await run.steps()) < 3) {
      if (performance.now() > deadline) {
        const log = await readFile(path.join(folder, 'coordinator.log'), 'utf8');
        throw new Error(
          `no step within ${FIRST_STEP_DEADLINE_MS} ms; the coordinator's log ends with ${log.slice(-500)}`,
        );
      }
      await delay(POLL_MS, undefined, { signal });
    }
  } catch (caught) {
    await run[Symbol.asyncDispose]();
    throw caught;
  }
  return run;
}

/** @throws Error where the process is gone, or the system has no /proc */
async function residentMB(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`process ${pid} has no resident set; it has ended`);
  return (Number(kibibytes) * 1_024) / 1e6;
}
