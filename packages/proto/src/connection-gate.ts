/**
 * Bounds how many connections a server holds, in all and from one address, so that no stranger can take every place.
 */
import type { Socket } from 'node:net';

/** Limits of connections at a time. */
export interface ConnectionLimits {
  readonly total: number;
  readonly perAddress: number;
}

/** A host may have 256 workers, which all pull from one peer, and each of them has a second connection while it takes a state. */
const DEFAULT_LIMITS: ConnectionLimits = { total: 2_048, perAddress: 768 };

/** For states, status, operators and spares. */
const SPARE_PLACES = 512;

/**
 * Limits for a coordinator: all workers may be on one host, and each has a second connection while it takes a state.
 *
 * @param workers that may train together
 */
export function coordinatorLimits(workers: number): ConnectionLimits {
  return {
    total: Math.max(DEFAULT_LIMITS.total, 2 * workers + SPARE_PLACES),
    perAddress: Math.max(DEFAULT_LIMITS.perAddress, workers + SPARE_PLACES),
  };
}

/** Takes a new connection and tells whether there is a place; one without a place is closed at once. */
export type ConnectionGate = (socket: Socket) => boolean;

/** A gate in front of one server. */
export function createConnectionGate(limits: ConnectionLimits = DEFAULT_LIMITS): ConnectionGate {
  const held = new Map<string, number>();
  let total = 0;
  return (socket) => {
    const address = socket.remoteAddress ?? '';
    const count = held.get(address) ?? 0;
    if (total >= limits.total || count >= limits.perAddress) {
      socket.destroy();
      return false;
    }
    total += 1;
    held.set(address, count + 1);
    socket.once('close', () => {
      total -= 1;
      const left = (held.get(address) ?? 1) - 1;
      if (left > 0) held.set(address, left);
      else held.delete(address);
    });
    return true;
  };
}
