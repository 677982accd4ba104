/**
 * A run's secret, and what it proves. The key lies in the run's folder, where every coordinator of the run finds it and nobody
 * else. From it come the run's id, which anybody may know, the seals of tickets (a worker that joins with a ticket was a
 * member of that generation, also when another process coordinated it), and the keys that members are given.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Ticket } from '@facet/proto';
import { LeaseSigner, PassSigner, ShardSeal, TrainingError } from '@facet/shared';

const KEY_BYTES = 32;
const ID_LENGTH = 16;

/** What a ticket says, and of whom. */
export interface TicketFacts {
  readonly term: number;
  readonly generation: number;
  readonly workerId: string;
}

export class RunKey {
  /** Names the run among all runs. */
  readonly id: string;
  /** Signs what members show to each other when they pull. */
  readonly passes: PassSigner;
  /** Signs the lease. */
  readonly lease: LeaseSigner;
  readonly #key: Uint8Array;

  /** @throws TrainingError CONFIG_INVALID when the key has not the length of one. */
  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES)
      throw new TrainingError('CONFIG_INVALID', `a run's key has ${key.length} bytes, expected ${KEY_BYTES}`);
    this.#key = key;
    this.id = this.#sign('run').toString('hex').slice(0, ID_LENGTH);
    this.passes = new PassSigner(this.#sign('passes'));
    this.lease = new LeaseSigner(this.#sign('lease'));
  }

  /** A key that no other run has. */
  static random(): Uint8Array {
    return randomBytes(KEY_BYTES);
  }

  /** The seal of the shards of a rank in a generation. */
  shardSeal(generation: number, rank: number): ShardSeal {
    return new ShardSeal(this.#sign(JSON.stringify(['shards', generation, rank])));
  }

  ticket(facts: TicketFacts): Ticket {
    const { term, generation } = facts;
    return { term, generation, seal: this.#seal(facts) };
  }

  /** Whether a coordinator of this run gave a worker this ticket. */
  proves(ticket: Ticket, workerId: string): boolean {
    const { term, generation } = ticket;
    const seal = this.#seal({ term, generation, workerId });
    return ticket.seal.length === seal.length && timingSafeEqual(seal, ticket.seal);
  }

  #seal({ term, generation, workerId }: TicketFacts): Buffer {
    return this.#sign(JSON.stringify(['ticket', term, generation, workerId]));
  }

  #sign(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }
}
