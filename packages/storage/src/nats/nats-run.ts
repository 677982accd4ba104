/** One run in a broker, as its ledger and its objects use it. */
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { ConsumerWatch } from '@facet/shared';
import type { RunNames } from './nats-names.js';

export interface NatsRun {
  readonly place: string;
  readonly names: RunNames;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  /** Of the run's connection. */
  readonly consumers: ConsumerWatch;
  /** The payload of the largest message that is sent. */
  readonly pieceBytes: number;
  /** An upload to which nothing was added for so long was cut short. */
  readonly strayAfterMs: number;
  makeLedgerStream(): Promise<void>;
  makeObjectStream(): Promise<void>;
}
