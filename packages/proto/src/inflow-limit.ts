/**
 * Bounds what one connection may send. A gRPC server that refuses a message goes on reading what its client sends of it, and
 * drops it; so a client that never ends would keep it busy for as long as it likes. Requests of Facet are small, and values travel
 * in answers, so who sends much is no peer of ours.
 */
import type { Socket } from 'node:net';
import { repeat, systemClock, type Clock } from '@facet/shared';

const LOOK_MS = 100;
const MIB = 1024 * 1024;

/** A token bucket: see RFC 2697, where these are the burst size and the information rate. */
export interface InflowBounds {
  /** Bytes that a connection may send at once. */
  readonly burstBytes: number;
  /** Bytes that are added every second. */
  readonly bytesPerSecond: number;
}

/** What an honest client stays far below: some of the largest requests at once, and one a second. */
export function inflowOf(maxRequestBytes: number): InflowBounds {
  return { burstBytes: 4 * MIB + 2 * maxRequestBytes, bytesPerSecond: MIB + maxRequestBytes };
}

/** Follows what the connections of one server send; one that sends more than it may is closed. */
export function createInflowLimit(
  { burstBytes, bytesPerSecond }: InflowBounds,
  clock: Clock = systemClock,
): (socket: Socket) => void {
  /** What every connection may still send, and what it had sent. */
  const accounts = new Map<Socket, { left: number; read: number }>();
  let stop: (() => void) | undefined;
  let lookedAt = clock.now();
  const look = (): void => {
    const earned = ((clock.now() - lookedAt) / 1_000) * bytesPerSecond;
    lookedAt = clock.now();
    for (const [socket, account] of accounts) {
      const sent = socket.bytesRead - account.read;
      account.read += sent;
      account.left = Math.min(account.left + earned, burstBytes) - sent;
      if (account.left < 0) socket.destroy();
    }
  };
  return (socket) => {
    accounts.set(socket, { left: burstBytes, read: socket.bytesRead });
    if (stop === undefined) lookedAt = clock.now();
    stop ??= repeat(clock, LOOK_MS, look);
    socket.once('close', () => {
      accounts.delete(socket);
      if (accounts.size > 0) return;
      stop?.();
      stop = undefined;
    });
  };
}
