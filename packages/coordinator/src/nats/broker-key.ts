/** Keys of users of a broker: a seed, which its owner keeps, and the public key, which stands in the broker's configuration. */
import { nkeys } from '@nats-io/transport-node';
import { TrainingError } from '@facet/shared';

export interface BrokerKey {
  /** Secret. */
  readonly seed: string;
  readonly publicKey: string;
}

/** A new key of a user. */
export function createBrokerKey(): BrokerKey {
  const pair = nkeys.createUser();
  return { seed: Buffer.from(pair.getSeed()).toString(), publicKey: pair.getPublicKey() };
}

/**
 * The key of a seed.
 *
 * @throws TrainingError CONFIG_INVALID when it is none; nothing of the seed is in the message.
 */
export function brokerKeyOf(seed: Uint8Array): BrokerKey {
  try {
    return { seed: Buffer.from(seed).toString(), publicKey: nkeys.fromSeed(seed).getPublicKey() };
  } catch {
    throw new TrainingError('CONFIG_INVALID', 'the seed of an nkey is damaged: its checksum does not fit');
  }
}
