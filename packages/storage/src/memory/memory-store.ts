/**
 * A store in memory that does what a script tells it to: it may crash, throttle, fail, be full or be slow, before or after
 * the effect of any call. It is the store of the simulation and of tests. What was done before a crash stays done.
 */
import { visibleLine } from '@facet/shared';
import type { Content, LedgerClaim, RunStore, Store } from '../store/run-store.js';
import { fenced, full } from '../store/store-errors.js';

/** A call of the port, as a script sees it. */
export interface StoreCall {
  readonly act: 'put' | 'get' | 'list' | 'remove' | 'read' | 'claim' | 'append' | 'isHeld';
  /** The name or prefix; of the ledger `ledger`. */
  readonly name: string;
}

/** Called twice for every call. It may wait, which makes the call slow, and throw, which makes it fail. */
export type FaultScript = (call: StoreCall, when: 'before' | 'after') => Promise<void> | void;

const PIECE_BYTES = 1 << 20;
const NO_FAULTS: FaultScript = () => undefined;

/** What lies in the store of one run; it outlives the processes that use it. */
export class MemoryRun {
  readonly objects = new Map<string, Uint8Array>();
  /** As few parts as are needed to tell appends apart. */
  readonly appends: { readonly at: number; readonly bytes: Uint8Array; readonly claim: number }[] = [];
  claims = 0;

  get ledgerBytes(): number {
    const last = this.appends.at(-1);
    return last === undefined ? 0 : last.at + last.bytes.byteLength;
  }
}

export interface MemoryStoreOptions {
  readonly faults?: FaultScript;
  /** Bytes of all objects and the ledger; without it there is always room. */
  readonly mostBytes?: () => number;
}

/** One process's view of a run in memory. */
export function memoryRun(held: MemoryRun, place: string, options: MemoryStoreOptions = {}): RunStore {
  const { faults = NO_FAULTS, mostBytes } = options;
  const doing = async <T>(call: StoreCall, effect: () => T): Promise<T> => {
    await faults(call, 'before');
    const result = effect();
    await faults(call, 'after');
    return result;
  };
  const requireRoom = (bytes: number): void => {
    const limit = mostBytes?.() ?? Number.POSITIVE_INFINITY;
    const used = held.ledgerBytes + [...held.objects.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (used + bytes > limit) throw full(place, `${used + bytes} bytes, expected at most ${limit}`);
  };
  return {
    place,
    objects: {
      async put(name, content) {
        const whole = await gather(content);
        await doing({ act: 'put', name }, () => {
          requireRoom(whole.byteLength);
          held.objects.set(name, whole);
        });
      },
      get: (name) =>
        doing({ act: 'get', name }, () => {
          const bytes = held.objects.get(name);
          return bytes && { bytes: bytes.byteLength, pieces: piecesOf([bytes]) };
        }),
      list: (prefix) =>
        doing({ act: 'list', name: prefix }, () =>
          [...held.objects.keys()].filter((name) => name.startsWith(prefix)).sort(),
        ),
      remove: (name) => doing({ act: 'remove', name }, () => void held.objects.delete(name)),
    },
    ledger: {
      async *read() {
        const appends = await doing({ act: 'read', name: 'ledger' }, () => [...held.appends]);
        yield* piecesOf(appends.map(({ bytes }) => bytes));
      },
      claim: () => doing({ act: 'claim', name: 'ledger' }, () => claimOf(held, place, doing, requireRoom)),
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

type Doing = <T>(call: StoreCall, effect: () => T) => Promise<T>;

function claimOf(held: MemoryRun, place: string, doing: Doing, requireRoom: (bytes: number) => void): LedgerClaim {
  held.claims += 1;
  const claim = held.claims;
  return {
    append: (at, bytes) =>
      doing({ act: 'append', name: 'ledger' }, () => {
        if (held.claims !== claim) throw fenced(place);
        const last = held.appends.at(-1);
        if (last?.at === at && last.claim === claim && last.bytes.byteLength === bytes.byteLength) return;
        if (held.ledgerBytes !== at) {
          throw new Error(`append at byte ${at} of the ledger of ${place}, expected ${held.ledgerBytes}`);
        }
        requireRoom(bytes.byteLength);
        held.appends.push({ at, bytes: bytes.slice(), claim });
      }),
    isHeld: () => doing({ act: 'isHeld', name: 'ledger' }, () => held.claims === claim),
    release: () => Promise.resolve(),
  };
}

/** A store of runs in memory. */
export class MemoryStore implements Store {
  readonly place = 'memory';
  readonly held = new Map<string, MemoryRun>();
  readonly #options: MemoryStoreOptions;

  constructor(options: MemoryStoreOptions = {}) {
    this.#options = options;
  }

  runs(): Promise<readonly string[]> {
    const used = [...this.held].filter(([, { objects, appends }]) => objects.size + appends.length > 0);
    return Promise.resolve(used.map(([name]) => name).sort());
  }

  open(run: string): Promise<RunStore> {
    const held = this.held.get(run) ?? new MemoryRun();
    this.held.set(run, held);
    return Promise.resolve(memoryRun(held, `${this.place}/${visibleLine(run)}`, this.#options));
  }

  remove(run: string): Promise<void> {
    this.held.delete(run);
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

async function gather(content: Content): Promise<Uint8Array> {
  const whole = new Uint8Array(content.bytes);
  let at = 0;
  for await (const piece of content.pieces()) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

async function* piecesOf(pieces: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  for (const piece of pieces) {
    for (let at = 0; at < piece.byteLength; at += PIECE_BYTES) {
      yield await Promise.resolve(piece.subarray(at, at + PIECE_BYTES));
    }
  }
}
