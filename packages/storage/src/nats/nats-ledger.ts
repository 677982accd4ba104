/**
 * A ledger in a JetStream stream. Every message is written only if the one before it is still the last: so as soon as another
 * process has written its claim, the broker refuses everything of the writer before. A message says whose it is and at which
 * byte it begins, so that a writer which has heard no answer finds out what became of its message.
 *
 * An append that is larger than a message is several; all but the last one say that more follow. A reader drops those whose
 * last one never came.
 */
import { isStreamMissing } from '@facet/shared';
import { randomUUID } from 'node:crypto';
import { headers } from '@nats-io/transport-node';
import type { LedgerClaim, LedgerShelf } from '../store/run-store.js';
import { fenced, refused, unreachable } from '../store/store-errors.js';
import { isWrongSequence, translate } from './nats-errors.js';
import type { NatsRun } from './nats-run.js';

const CLAIM = 'Facet-Claim';
const AT = 'Facet-At';
const MORE = 'Facet-More';
/** Messages that a reader asks for at a time. */
const READ_AHEAD = 256;
/** Others may claim at the same time. */
const MOST_CLAIM_ATTEMPTS = 10;
const NO_PROGRESS_MS = 10_000;

/** The last message of a ledger. */
interface Last {
  readonly sequence: number;
  readonly claim: string;
  /** Bytes up to its end. */
  readonly end: number;
  /** Where the append begins whose last message never came; absent when it is complete. */
  readonly openFrom: number | undefined;
}

const NOTHING: Last = { sequence: 0, claim: '', end: 0, openFrom: undefined };

export function natsLedger(run: NatsRun): LedgerShelf {
  const { place } = run;
  return {
    read: () => readMessages(run),
    async claim() {
      try {
        await run.makeLedgerStream();
        for (let attempt = 1; attempt <= MOST_CLAIM_ATTEMPTS; attempt += 1) {
          const claim = randomUUID();
          const { sequence, end, openFrom } = await lastMessage(run);
          const size = openFrom ?? end;
          const next = await publish(run, { claim, at: size, bytes: new Uint8Array(), over: sequence });
          if (next !== undefined) return new NatsClaim(run, { sequence: next, claim, end: size, openFrom: undefined });
        }
      } catch (caught) {
        throw translate(caught, place);
      }
      throw unreachable(place, `${MOST_CLAIM_ATTEMPTS} claims of the ledger were overtaken by others`);
    },
  };
}

interface Publication {
  readonly claim: string;
  readonly at: number;
  readonly bytes: Uint8Array;
  /** Where the append begins that goes on in the next message. */
  readonly openFrom?: number | undefined;
  /** The sequence of the message before it. */
  readonly over: number;
}

/** The new message's sequence; undefined when another one is the last. */
async function publish({ client, names }: NatsRun, publication: Publication): Promise<number | undefined> {
  const { claim, at, bytes, openFrom, over } = publication;
  const header = headers();
  header.set(CLAIM, claim);
  header.set(AT, String(at));
  if (openFrom !== undefined) header.set(MORE, String(openFrom));
  try {
    const expect = { lastSubjectSequence: over };
    return (await client.publish(names.ledgerSubject, bytes, { headers: header, expect })).seq;
  } catch (caught) {
    if (isWrongSequence(caught)) return undefined;
    throw caught;
  }
}

async function lastMessage({ manager, names }: NatsRun): Promise<Last> {
  const found = await manager.streams.getMessage(names.ledgerStream, { last_by_subj: names.ledgerSubject });
  if (found === null) return NOTHING;
  const { header, seq: sequence, data } = found;
  const end = Number(header.get(AT)) + data.byteLength;
  const openFrom = header.has(MORE) ? Number(header.get(MORE)) : undefined;
  return { sequence, claim: header.get(CLAIM), end, openFrom };
}

async function* readMessages(run: NatsRun): AsyncGenerator<Uint8Array, void, undefined> {
  const { client, consumers, names, place } = run;
  try {
    const { sequence } = await lastMessage(run);
    if (sequence === 0) return;
    const consumer = await client.consumers.get(names.ledgerStream);
    const messages = await consumer.consume({ max_messages: READ_AHEAD, idle_heartbeat: NO_PROGRESS_MS / 2 });
    consumers.add(messages);
    let open: Uint8Array[] = [];
    let seen = 0;
    try {
      for await (const { seq, data, headers: header } of messages) {
        seen = seq;
        if (data.byteLength === 0) open = [];
        else if (header?.has(MORE) === true) open.push(data);
        else {
          yield* open;
          open = [];
          yield data;
        }
        if (seq >= sequence) break;
      }
    } finally {
      await messages.close();
    }
    if (seen < sequence) throw unreachable(place, `its ledger ended at message ${seen}, expected ${sequence}`);
  } catch (caught) {
    if (isStreamMissing(caught)) return;
    throw translate(caught, place);
  }
}

class NatsClaim implements LedgerClaim {
  readonly #run: NatsRun;
  #last: Last;

  constructor(run: NatsRun, last: Last) {
    this.#run = run;
    this.#last = last;
  }

  async append(at: number, bytes: Uint8Array): Promise<void> {
    const { place } = this.#run;
    const end = at + bytes.byteLength;
    try {
      while (this.#last.end < end || this.#last.openFrom !== undefined) await this.#write(at, bytes);
    } catch (caught) {
      throw translate(caught, place);
    }
    // The same append again.
    if (this.#last.end === end) return;
    throw new Error(`append up to byte ${end} of the ledger of ${place}, expected one from ${this.#last.end}`);
  }

  /** Writes the next message of an append, or finds out what became of it. */
  async #write(start: number, bytes: Uint8Array): Promise<void> {
    const { pieceBytes, place } = this.#run;
    const { claim, sequence, end: at } = this.#last;
    if (at < start) {
      if (!(await this.isHeld())) throw fenced(place);
      throw new Error(`append at byte ${start} of the ledger of ${place}, expected ${at}`);
    }
    const piece = bytes.subarray(at - start, at - start + pieceBytes);
    const end = at + piece.byteLength;
    const openFrom = end < start + bytes.byteLength ? start : undefined;
    const next = await publish(this.#run, { claim, at, bytes: piece, openFrom, over: sequence });
    this.#last = next === undefined ? await this.#own() : { sequence: next, claim, end, openFrom };
  }

  /** The last message, which is ours if an answer was lost. */
  async #own(): Promise<Last> {
    const { place } = this.#run;
    const last = await lastMessage(this.#run);
    if (last.claim !== this.#last.claim && last.sequence > this.#last.sequence) throw fenced(place);
    if (last.sequence >= this.#last.sequence && last.end >= this.#last.end) return last;
    const lost = `it has lost what it had acknowledged: its ledger ends at byte ${last.end}, expected ${this.#last.end}`;
    throw refused(place, lost, 'resume the run where its folder is: what is missing is written again');
  }

  async isHeld(): Promise<boolean> {
    try {
      return (await lastMessage(this.#run)).claim === this.#last.claim;
    } catch (caught) {
      throw translate(caught, this.#run.place);
    }
  }

  release(): Promise<void> {
    return Promise.resolve();
  }
}
