/**
 * How a coordinator says where it is to others on its machine: a small file in the run's folder that appears whole, and
 * goes away with the process. A file that was left behind is believed by nobody: whoever reads it must ask the address.
 */
import { readFileSync, rmSync } from 'node:fs';
import { readRegularText, writeWhole } from '@facet/shared';

const MOST_ADDRESS_BYTES = 1024 * 1024;

export interface CoordinatorAddress {
  readonly run: string;
  /** host:port of the gRPC services. */
  readonly address: string;
  /** URL of the metrics. */
  readonly httpUrl: string;
  readonly pid: number;
  /** A TLS folder with which this user may ask; absent: in the open. */
  readonly tls?: string | undefined;
}

/** Writes the file so that a reader sees all of it or nothing. */
export function writeAddressFile(file: string, address: CoordinatorAddress): Promise<void> {
  return writeWhole(file, `${JSON.stringify(address)}\n`, 'owner');
}

/** Removes the file if it is this process's; synchronous, so that it can be the last thing a process does. */
export function removeAddressFile(file: string): void {
  let owner: Partial<CoordinatorAddress>;
  try {
    owner = JSON.parse(readFileSync(file, 'utf8')) as Partial<CoordinatorAddress>;
  } catch {
    return;
  }
  // Another coordinator of the run may have written its own meanwhile.
  if (owner.pid === process.pid) rmSync(file, { force: true });
}

/** What the file says; undefined when there is none or it is not ours. */
export async function readAddressFile(file: string): Promise<CoordinatorAddress | undefined> {
  let value: unknown;
  try {
    value = JSON.parse(await readRegularText(file, MOST_ADDRESS_BYTES));
  } catch {
    return undefined;
  }
  const { run, address, httpUrl, pid, tls } = value as Partial<CoordinatorAddress>;
  const isWhole = typeof run === 'string' && typeof address === 'string' && typeof pid === 'number';
  if (!isWhole) return undefined;
  const folder = typeof tls === 'string' ? { tls } : {};
  return { run, address, pid, httpUrl: typeof httpUrl === 'string' ? httpUrl : '', ...folder };
}
