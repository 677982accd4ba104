/** Deletes a run's stream of shards, as an operator may by mistake, or a broker does that lost its disk. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { shardStreamName } from '@facet/shared';

export async function deleteStream(brokerUrl: string, run: string): Promise<void> {
  const connection = await connect({ servers: brokerUrl });
  await (await jetstreamManager(connection)).streams.delete(shardStreamName(run));
  await connection.close();
}
