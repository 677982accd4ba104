/**
 * The keys with which coordinators and workers of a run show themselves to a broker, where no certificates do it. A seed is in a
 * file that its owner alone may read. The broker's configuration has the public keys, which are no secret.
 */
import path from 'node:path';
import { brokerCredentialsOf, NKEY_VARIABLE } from '@facet/security';
import { makePrivateFolder, TrainingError, writeWhole } from '@facet/shared';
import { existsSync } from 'node:fs';
import type { BrokerIdentities } from './broker-users.js';

export interface UserKeys {
  readonly identities: BrokerIdentities;
  readonly files: { readonly coordinator: string; readonly worker: string };
}

/**
 * Reads the keys of a run in a folder; those that are missing are made.
 *
 * @throws TrainingError CONFIG_INVALID naming a file that holds no key.
 */
export async function ensureUserKeys(folder: string, run: string): Promise<UserKeys> {
  await makePrivateFolder(folder);
  const file = (role: string): string => path.join(path.resolve(folder), `${run}-${role}.nk`);
  const files = { coordinator: file('coordinator'), worker: file('worker') };
  const coordinator = { nkey: await ensureKey(files.coordinator) };
  const worker = { nkey: await ensureKey(files.worker) };
  return { files, identities: { coordinator, worker } };
}

/** The public key. */
async function ensureKey(file: string): Promise<string> {
  const { brokerKeyOf, createBrokerKey } = await import('@facet/coordinator');
  if (existsSync(file)) {
    const found = brokerCredentialsOf({ [NKEY_VARIABLE]: file })!;
    try {
      return brokerKeyOf(found.read()).publicKey;
    } catch (caught) {
      throw new TrainingError('CONFIG_INVALID', `${file}: ${TrainingError.from(caught).message}`, { cause: caught });
    }
  }
  const { seed, publicKey } = createBrokerKey();
  await writeWhole(file, `${seed}\n`, 'owner');
  return publicKey;
}
