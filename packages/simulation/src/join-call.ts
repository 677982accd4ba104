/**
 * The Join stream over a virtual connection, as both sides of gRPC present it: what one side writes is encoded and decoded
 * by the real protocol, so that defaults, rounding and unknown fields are what they are on a wire.
 */
import { EventEmitter } from 'node:events';
import type { JoinCall } from '@facet/coordinator/internal';
import { Coordination, type JoinRequest, type JoinResponse } from '@facet/proto';
import { pause, TrainingError } from '@facet/shared';
import { coordinatorStreamOf, type CoordinatorStream } from '@facet/worker/internal';
import type { Endpoint, Network } from './network.js';
import type { Process } from './world.js';

const { requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } = Coordination.service.Join;
/** As the worker's longest wait for a connection, and gRPC's first wait before it tries again. */
const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_MS = 1_000;
const OPENED = 'opened';

/** The coordinator's side of a call. */
export function serverCall(endpoint: Endpoint, host: string): JoinCall {
  const events = new EventEmitter();
  // Without a listener an EventEmitter would throw the error.
  events.on('error', () => undefined);
  endpoint.onMessage = (message) => {
    events.emit('data', requestDeserialize(message as Buffer));
  };
  endpoint.onClosed = () => {
    events.emit('cancelled');
  };
  endpoint.send(OPENED);
  return Object.assign(events, {
    writableLength: 0,
    getHost: () => host,
    getPeer: () => 'a worker',
    write: (message: JoinResponse) => {
      endpoint.send(responseSerialize(message));
      return true;
    },
    end: () => {
      endpoint.close();
    },
  }) as unknown as JoinCall;
}

/**
 * Connects a worker to the coordinator.
 *
 * @throws TrainingError COORDINATOR_UNREACHABLE when it does not answer for as long as gRPC waits.
 */
export async function openStream(network: Network, process: Process, address: string): Promise<CoordinatorStream> {
  const deadlineMs = process.clock.now() + CONNECT_TIMEOUT_MS;
  while (process.clock.now() < deadlineMs) {
    const endpoint = network.connect(process, address, 'join');
    if (await isOpened(endpoint, process, deadlineMs)) return streamOver(endpoint);
    await pause(process.clock, RECONNECT_MS);
  }
  throw new TrainingError('COORDINATOR_UNREACHABLE', `no coordinator answers at ${address}`);
}

/** Waits for the first answer of the other side. */
function isOpened(endpoint: Endpoint, process: Process, deadlineMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = process.clock.schedule(deadlineMs - process.clock.now(), () => {
      endpoint.close();
      resolve(false);
    });
    endpoint.onMessage = () => {
      cancel();
      resolve(true);
    };
    endpoint.onClosed = () => {
      cancel();
      resolve(false);
    };
  });
}

function streamOver(endpoint: Endpoint): CoordinatorStream {
  const events = new EventEmitter();
  endpoint.onMessage = (message) => {
    events.emit('data', responseDeserialize(message as Buffer));
  };
  endpoint.onClosed = () => {
    events.emit('end');
  };
  const close = (): void => {
    endpoint.close();
  };
  const call = Object.assign(events, {
    writableLength: 0,
    write: (message: JoinRequest) => {
      endpoint.send(requestSerialize(message));
    },
    end: close,
    cancel: close,
  });
  return coordinatorStreamOf(call, () => undefined);
}
