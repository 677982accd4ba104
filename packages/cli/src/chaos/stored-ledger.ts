/** The ledger of a chaos run as the store has it: it must be as exact as the one in the folder of whoever ended the run. */
import path from 'node:path';
import { openIdentity } from '../tls/open-identity.js';
import type { RunPlace } from '../launch/run-processes.js';
import { openPlacedRun } from '../runs/run-place.js';
import { pathsIn } from '../runs/run-folders.js';
import type { ChaosBrokers } from './chaos-brokers.js';

export interface StorePlace {
  readonly brokers: ChaosBrokers;
  /** Of a coordinator; absent: in the open. */
  readonly tlsFolder: string | undefined;
}

/** Copies the ledger into a folder beside the run's own; returns its file. */
export async function pullLedger(
  { config, paths, env }: RunPlace,
  { brokers, tlsFolder }: StorePlace,
): Promise<string> {
  const ports = brokers.ends.map(({ port }) => port);
  const tls = openIdentity({ folder: tlsFolder, env: {}, roles: ['coordinator'] });
  const place = { store: brokers.placeAt(ports), run: config.run };
  await using run = await openPlacedRun(place, { env, tls, brokerUrl: brokers.natsFor(ports).url });
  const { pullRun } = await import('@facet/storage');
  const folder = path.join(paths.folder, 'stored');
  await pullRun(run, folder, { checkpoints: 'none', secrets: 'leave' });
  return pathsIn(folder).ledger;
}
