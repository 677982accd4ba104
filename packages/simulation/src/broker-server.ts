/**
 * A virtual JetStream: one stream in memory and one lease, gone with their process. Publishes are numbered and known by their id for as
 * long as the stream lives; subscribers get everything of their subject from a number on, in order, sometimes twice. The lease
 * is written by compare-and-set.
 */
import type { LeaseReading, StoredLease } from '@facet/coordinator/internal';
import type { LeaseEntry } from '@facet/shared';
import type { Endpoint, Network } from './network.js';
import { Process } from './world.js';

/** The broker's process. */
export const BROKER = 'broker';
export const BROKER_ADDRESS = `${BROKER}:4222`;

/** A message that comes twice is rare, and harmless by design. */
const DUPLICATE_SHARE = 0.01;

export type BrokerRequest =
  { readonly kind: 'client' } | { readonly kind: 'subscribe'; readonly subject: string; readonly after: number };

export interface StoredMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly data: Uint8Array;
}

export type BrokerCall =
  | { readonly op: 'publish'; readonly subject: string; readonly msgId: string; readonly data: Uint8Array }
  /** Makes the stream when it is missing, or in any case. */
  | { readonly op: 'ensure' | 'remake' | 'delete' }
  | { readonly op: 'purge'; readonly filter: string; readonly before?: number }
  | { readonly op: 'read-lease' }
  | { readonly op: 'write-lease'; readonly entry: LeaseEntry; readonly over: number };

export interface NumberedCall {
  readonly id: number;
  readonly call: BrokerCall;
}

export interface BrokerReply {
  readonly id: number;
  readonly value: number | 'kept' | 'made' | 'no stream' | 'wrong revision' | LeaseReading;
}

interface Stream {
  messages: StoredMessage[];
  readonly sequences: Map<string, number>;
  last: number;
}

/** Starts a broker without memory of an earlier one. */
export function startBroker(network: Network): Process {
  const process = new Process(network.world, BROKER);
  const subscribers = new Map<Endpoint, string>();
  let stream: Stream | undefined;
  let lease: StoredLease | undefined;
  const startedMs = network.world.nowMs;

  const deliver = (endpoint: Endpoint, message: StoredMessage): void => {
    endpoint.send(message);
    if (network.world.chance(DUPLICATE_SHARE)) endpoint.send(message);
  };

  const answer = (call: BrokerCall): BrokerReply['value'] => {
    switch (call.op) {
      case 'ensure':
        if (stream !== undefined) return 'kept';
        stream = newStream();
        return 'made';
      case 'remake':
        stream = newStream();
        return 'made';
      case 'delete':
        stream = undefined;
        for (const endpoint of subscribers.keys()) endpoint.close();
        subscribers.clear();
        return 0;
      case 'publish': {
        if (stream === undefined) return 'no stream';
        const known = stream.sequences.get(call.msgId);
        if (known !== undefined) return known;
        stream.last += 1;
        const { subject, data } = call;
        const message = { sequence: stream.last, subject, data };
        stream.messages.push(message);
        stream.sequences.set(call.msgId, stream.last);
        for (const [endpoint, wanted] of subscribers) if (wanted === subject) deliver(endpoint, message);
        return stream.last;
      }
      case 'purge': {
        const { filter, before = Number.POSITIVE_INFINITY } = call;
        if (stream === undefined) return 'no stream';
        const isKept = ({ subject, sequence }: StoredMessage): boolean =>
          sequence >= before || !subject.startsWith(filter.slice(0, -1));
        stream.messages = stream.messages.filter(isKept);
        return 0;
      }
      case 'read-lease':
        return { held: lease, mark: `${lease?.revision ?? 0}@${startedMs}` };
      case 'write-lease': {
        const { revision = 0 } = lease ?? {};
        if (call.over !== revision) return 'wrong revision';
        lease = { entry: call.entry, revision: revision + 1 };
        return lease.revision;
      }
      default:
        return call satisfies never;
    }
  };

  network.listen(process, BROKER_ADDRESS, (endpoint, request) => {
    const asked = request as BrokerRequest;
    if (asked.kind === 'client') {
      endpoint.send('ready');
      endpoint.onMessage = (message) => {
        const { id, call } = message as NumberedCall;
        endpoint.send({ id, value: answer(call) } satisfies BrokerReply);
      };
      return;
    }
    if (stream === undefined) {
      endpoint.send('no stream');
      endpoint.close();
      return;
    }
    endpoint.send('subscribed');
    const { subject, after } = asked;
    subscribers.set(endpoint, subject);
    endpoint.onClosed = () => subscribers.delete(endpoint);
    for (const message of stream.messages) {
      if (message.subject === subject && message.sequence > after) deliver(endpoint, message);
    }
  });
  return process;
}

function newStream(): Stream {
  return { messages: [], sequences: new Map(), last: 0 };
}
