/**
 * The connection to the NATS broker and the run's stream on it. The broker is transport, not truth. If an earlier coordinator
 * of this run left a stream behind, it is deleted and made anew. A lost connection is rebuilt for as long as it takes; the
 * workers' step deadline decides when a silent broker becomes a fault.
 */
import { jetstream, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import type { BrokerAccess } from '@facet/security';
import { maskUrl, shardStreamName, shardSubjectFilter, TrainingError, whileElecting } from '@facet/shared';
import { connectCoordinator, managerOf } from '../nats/connect-broker.js';
import { deleteStream, hasStream, streamRefusal, type NamedStream } from '../nats/make-stream.js';

const REQUEST_TIMEOUT_MS = 5_000;
const MIN_STREAM_BYTES = 64 * 1024 * 1024;
const STREAM_TO_WINDOW = 4;
const MAX_AGE_MS = 60 * 60 * 1_000;
const DUPLICATE_WINDOW_MS = 2 * 60 * 1_000;

export interface OpenBrokerOptions extends BrokerAccess {
  readonly run: string;
  /** How many servers of a cluster keep each shard. */
  readonly replicas: number;
  /** Bytes of the largest message. */
  readonly messageBytes: number;
  /** Bytes of everything that is published ahead at once. */
  readonly windowBytes: number;
}

/** An open connection and the run's empty stream. */
export interface Broker {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly streams: JetStreamManager['streams'];
  readonly streamName: string;
  /** Makes the stream if it is gone; returns whether it was. */
  ensureStream(): Promise<'kept' | 'made'>;
  /** Closes the connection, after the stream is deleted or not; a broker that is gone is no reason to wait. */
  close(stream: 'delete-stream' | 'keep-stream'): Promise<void>;
}

/**
 * Connects and makes the run's stream.
 *
 * @throws TrainingError BROKER_UNREACHABLE, BROKER_NO_JETSTREAM, or CONFIG_INVALID when a message or the window is too
 *   large for the broker.
 */
export async function openBroker(options: OpenBrokerOptions): Promise<Broker> {
  const connection = await connectCoordinator(options);
  try {
    checkPayload(connection, options);
    const manager = await managerOf(connection, { url: options.url, timeoutMs: REQUEST_TIMEOUT_MS });
    const config = streamConfig(options);
    const add = (): Promise<void> => addStream(manager, config, options.url);
    await whileElecting(connection, () => deleteStream(manager, config.name, options.url));
    await whileElecting(connection, add);
    return {
      connection,
      client: jetstream(connection, { timeout: REQUEST_TIMEOUT_MS }),
      streams: manager.streams,
      streamName: config.name,
      async ensureStream() {
        if (await hasStream(manager, config.name)) return 'kept';
        await add();
        return 'made';
      },
      async close(stream) {
        const isLast = stream === 'delete-stream' && !connection.isClosed();
        if (isLast) await deleteStream(manager, config.name, options.url).catch(() => undefined);
        await connection.close();
      },
    };
  } catch (caught) {
    await connection.close();
    throw caught;
  }
}

function checkPayload({ info }: NatsConnection, { url, messageBytes }: OpenBrokerOptions): void {
  const limit = info?.max_payload;
  if (limit === undefined || messageBytes <= limit) return;
  throw new TrainingError(
    'CONFIG_INVALID',
    `a micro-batch takes ${messageBytes} bytes, but the broker at ${maskUrl(url)} allows ${limit} per message; ` +
      "lower batch.micro, set data: local, or raise max_payload in the broker's configuration",
  );
}

function streamConfig({ run, windowBytes, replicas }: OpenBrokerOptions): NamedStream {
  return {
    name: shardStreamName(run),
    subjects: [shardSubjectFilter(run)],
    storage: 'memory',
    retention: 'limits',
    discard: 'old',
    max_age: nanos(MAX_AGE_MS),
    max_bytes: Math.max(MIN_STREAM_BYTES, STREAM_TO_WINDOW * windowBytes),
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    num_replicas: replicas,
  };
}

async function addStream(manager: JetStreamManager, config: NamedStream, url: string): Promise<void> {
  try {
    await manager.streams.add(config);
  } catch (caught) {
    const refusal = streamRefusal(caught, { url, replicas: config.num_replicas });
    if (refusal !== undefined) throw refusal;
    const { message } = TrainingError.from(caught);
    throw new TrainingError(
      'CONFIG_INVALID',
      `the broker refuses stream ${config.name} of ${config.max_bytes} bytes: ${message}; give it more memory, lower prefetchSteps, or set data: local`,
      { cause: caught },
    );
  }
}
