/**
 * The entry that a coordinator writes into the broker while it leads a run: who it is and where it listens. Workers and
 * standbys read it. Compare-and-set decides who may write it. It is a key of a key-value bucket of NATS, so
 * `nats kv get facet-leases RUN` shows it.
 */
import { z } from 'zod';
import { TrainingError } from '../errors.js';
import { parseJson } from '../parse-json.js';
import type { LeaseSigner, LeaseVerifier } from '../secrets/lease-signature.js';

const BUCKET = 'facet-leases';

/** The JetStream stream of all leases. */
export const LEASE_STREAM = `KV_${BUCKET}`;

/** All subjects of that stream. */
export const LEASE_SUBJECTS = `$KV.${BUCKET}.>`;

/** The subject of a run's lease. */
export function leaseSubject(run: string): string {
  return `$KV.${BUCKET}.${run}`;
}

const leaseEntry = z.strictObject({
  /** A random id of one process's candidacy. */
  holder: z.string().min(1),
  host: z.string(),
  pid: z.int().positive(),
  /** When the process started, in clock ticks since boot; absent where the system does not say. */
  startTicks: z.int().optional(),
  /** The boot and the container in which the process has its id; absent where the system does not say. */
  pidSpace: z.string().optional(),
  /** host:port of its gRPC services; empty until they listen. */
  address: z.string(),
  /** True when the holder has given it up. */
  isFree: z.boolean(),
  /** Of a coordinator of the run, over everything else and the run's name; absent before the run has its key. */
  signature: z.base64().optional(),
});

export type LeaseEntry = Readonly<z.infer<typeof leaseEntry>>;

/** Stands for an entry that cannot be read: nobody knows who holds it, so it is not free. No process is its holder. */
export const UNKNOWN_LEASE_ENTRY: LeaseEntry = { holder: '', host: '', pid: 0, address: '', isFree: false };

export function encodeLeaseEntry(entry: LeaseEntry): string {
  return JSON.stringify(entry);
}

/** The entry with the signature of a coordinator of the run. */
export function signLeaseEntry(entry: LeaseEntry, run: string, signer: LeaseSigner): LeaseEntry {
  return { ...entry, signature: signer.sign(signedText(entry, run)).toString('base64') };
}

/** Whether a coordinator of the run wrote the entry. */
export function isSignedLeaseEntry(entry: LeaseEntry, run: string, verifier: LeaseVerifier): boolean {
  const { signature = '' } = entry;
  return verifier.isSigned(signedText(entry, run), Buffer.from(signature, 'base64'));
}

function signedText(entry: LeaseEntry, run: string): string {
  const { holder, host, pid, startTicks = null, pidSpace = null, address, isFree } = entry;
  return JSON.stringify(['facet lease', run, holder, host, pid, startTicks, pidSpace, address, isFree]);
}

/** @throws TrainingError VERSION_MISMATCH when the text is no entry of this version. */
export function decodeLeaseEntry(text: string): LeaseEntry {
  const parsed = leaseEntry.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const shown = text.slice(0, 200);
  throw new TrainingError(
    'VERSION_MISMATCH',
    `the lease in the broker is '${shown}', expected an entry of this version; stop coordinators of other versions`,
  );
}
