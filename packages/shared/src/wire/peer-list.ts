/**
 * The peers of a generation as one block of bytes, which is the same in every Form of it: the coordinator encodes it once and not
 * once for each of a thousand workers. A JSON list of [workerId, exchangeAddress] in rank order, deflated, because ids and
 * addresses are much alike.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { TrainingError } from '../errors.js';
import { parseJson } from '../parse-json.js';

export interface GenerationPeer {
  readonly workerId: string;
  /** host:port of its Exchange service. */
  readonly exchangeAddress: string;
}

/** Far more than the longest ids and addresses of the most workers. */
const MOST_BYTES = 16 * 1024 * 1024;
/** The first one takes most of what there is, and the least time. */
const LEVEL = 1;

/** @param peers in rank order */
export function encodePeerList(peers: readonly GenerationPeer[]): Buffer {
  const list = peers.map(({ workerId, exchangeAddress }) => [workerId, exchangeAddress]);
  return deflateRawSync(JSON.stringify(list), { level: LEVEL });
}

/**
 * The peers in rank order.
 *
 * @throws TrainingError VERSION_MISMATCH when it is no list of this version.
 */
export function decodePeerList(bytes: Uint8Array): readonly GenerationPeer[] {
  const list = parseJson(inflate(bytes));
  if (Array.isArray(list) && list.every(isPeer)) {
    return list.map(([workerId, exchangeAddress]) => ({ workerId, exchangeAddress }));
  }
  throw new TrainingError(
    'VERSION_MISMATCH',
    `the list of peers (${bytes.length} bytes) is not of this version; install the same version on every machine`,
  );
}

function isPeer(value: unknown): value is readonly [workerId: string, exchangeAddress: string] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string');
}

/** Empty text for what is not deflated, which is no JSON either. */
function inflate(bytes: Uint8Array): string {
  try {
    return inflateRawSync(bytes, { maxOutputLength: MOST_BYTES }).toString('utf8');
  } catch {
    return '';
  }
}
