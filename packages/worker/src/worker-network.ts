/**
 * Everything through which a generation touches the world outside its process: time, the shards, the peers. In production
 * these are sockets; the simulation brings its own, so that what runs above them is the same code.
 */
import { systemClock, type Clock } from '@facet/shared';
import type { NatsConnection } from '@nats-io/transport-node';
import { openInlet, pullState } from './collective/exchange-client.js';
import type { ExchangeServer } from './collective/exchange-server.js';
import { natsShardFeed, type ShardFeed } from './data/shard-source.js';

export interface WorkerNetwork {
  readonly clock: Clock;
  readonly shards: ShardFeed;
  readonly exchange: Pick<ExchangeServer, 'outlet' | 'failPulls' | 'closeThrough'>;
  readonly openInlet: typeof openInlet;
  readonly pullState: typeof pullState;
  /** Ends the connection to the broker. */
  close(): Promise<void>;
}

/** The network of a worker process. */
export function socketNetwork(connection: NatsConnection, exchange: ExchangeServer): WorkerNetwork {
  return {
    clock: systemClock,
    shards: natsShardFeed(connection),
    exchange,
    openInlet,
    pullState,
    close: () => connection.close(),
  };
}
