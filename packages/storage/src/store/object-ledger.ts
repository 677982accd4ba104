/**
 * A ledger for stores that have objects and no appends, and no conditional writes: S3. It asks of the store only that what
 * was put is seen by every later get and list.
 *
 * - A claim is an object whose name sorts after those of all claims before it; the last one is the writer's. Its base
 *   says how many bytes of every earlier claim count. It is written when they have been counted, after the claim.
 * - An append is an object whose name says the range of bytes that it holds: the same append again is the same object. It
 *   is acknowledged only if no later claim is seen after it was put, so that it was there before a later claim counted.
 * - Bytes that an earlier writer puts after it was counted lie beyond the base, so nobody reads them.
 * - Small objects are put together into larger ones, which hold the same bytes under the name of the whole range.
 */
import { randomBytes } from 'node:crypto';
import { TrainingError } from '@facet/shared';
import { contentOf, readAll, type LedgerClaim, type LedgerShelf, type ObjectShelf } from './run-store.js';
import { fenced, unreachable } from './store-errors.js';

const CLAIMS = 'ledger/claims/';
const BASES = 'ledger/bases/';
const PARTS = 'ledger/parts/';
/** A merged object is at most this long, if a single append is not longer. */
const MERGED_BYTES = 1 << 20;
/** After so many appends they are put together. */
const MERGED_APPENDS = 64;
/** Objects that may vanish between list and get because they were put together. */
const MOST_LOOKS = 10;

/** Up to which byte of the ledger the parts of a claim count. */
interface Era {
  readonly claim: string;
  readonly from: number;
}

interface Part {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export function objectLedger(objects: ObjectShelf, place: string): LedgerShelf {
  return {
    read: () => readEras(objects, place, undefined),
    async claim() {
      const claim = await putClaim(objects, place);
      const before = await latestEras(objects, claim);
      let length = 0;
      for (const { start, end } of await partsOfEras(objects, place, before)) length += end - start;
      const eras = [...before.filter(({ from }) => from < length), { claim, from: length }];
      await objects.put(`${BASES}${claim}`, contentOf(JSON.stringify({ eras })));
      return new ObjectClaim({ objects, place, claim, length });
    },
  };
}

/** The number comes first, so that names sort as claims do; the random part tells two of one number apart. */
async function putClaim(objects: ObjectShelf, place: string): Promise<string> {
  const last = (await objects.list(CLAIMS)).at(-1)?.slice(CLAIMS.length);
  const number = last === undefined ? 1 : Number(last.split('-')[0]) + 1;
  const claim = `${String(number).padStart(10, '0')}-${randomBytes(8).toString('hex')}`;
  await objects.put(`${CLAIMS}${claim}`, contentOf('{}'));
  if (!(await isLast(objects, claim))) throw fenced(place);
  return claim;
}

async function isLast(objects: ObjectShelf, claim: string): Promise<boolean> {
  return (await objects.list(CLAIMS)).at(-1) === `${CLAIMS}${claim}`;
}

/** The eras of the newest claim that has counted, before `claim` if one is given. */
async function latestEras(objects: ObjectShelf, claim: string | undefined): Promise<readonly Era[]> {
  const bases = (await objects.list(BASES)).filter((name) => claim === undefined || name < `${BASES}${claim}`);
  const newest = bases.at(-1);
  if (newest === undefined) return [];
  const object = await objects.get(newest);
  if (object === undefined) throw new TrainingError('LEDGER_INVALID', `${newest} is gone; restore the ledger`);
  return (JSON.parse(new TextDecoder().decode(await readAll(object))) as { readonly eras: readonly Era[] }).eras;
}

async function* readEras(
  objects: ObjectShelf,
  place: string,
  claim: string | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = 0;
  for (let look = 1; look <= MOST_LOOKS; look += 1) {
    let hasVanished = false;
    for (const part of await partsOfEras(objects, place, await latestEras(objects, claim))) {
      if (part.end <= position) continue;
      const object = await objects.get(part.name);
      if (object === undefined) {
        hasVanished = true;
        break;
      }
      const bytes = await readAll(object);
      yield bytes.subarray(position - startOf(part.name), part.end - startOf(part.name));
      position = part.end;
    }
    if (!hasVanished) return;
  }
  throw unreachable(place, 'parts of the ledger vanish while it is read');
}

/** The parts that make the ledger, without gaps; `end` is where the next one begins. */
async function partsOfEras(objects: ObjectShelf, place: string, eras: readonly Era[]): Promise<readonly Part[]> {
  const chosen: Part[] = [];
  for (const [index, { claim, from }] of eras.entries()) {
    const until = eras[index + 1]?.from ?? Number.POSITIVE_INFINITY;
    const parts = (await objects.list(`${PARTS}${claim}/`)).map(parsePart);
    let position = from;
    while (position < until) {
      const next = parts.filter(({ start, end }) => start <= position && end > position);
      // The longest one: others are what it was put together from.
      const best = next.reduce<Part | undefined>((a, b) => (a === undefined || b.end > a.end ? b : a), undefined);
      if (best === undefined) break;
      const end = Math.min(best.end, until);
      chosen.push({ name: best.name, start: position, end });
      position = end;
    }
    if (Number.isFinite(until) && position !== until) {
      const fault = `bytes ${position} to ${until} of the ledger of ${place} are missing`;
      throw new TrainingError('LEDGER_INVALID', `${fault}; restore it from a copy, or start a new run`);
    }
  }
  return chosen;
}

function partName(claim: string, start: number, end: number): string {
  return `${PARTS}${claim}/${String(start).padStart(15, '0')}-${String(end).padStart(15, '0')}`;
}

function parsePart(name: string): Part {
  const [start, end] = name.slice(name.lastIndexOf('/') + 1).split('-');
  return { name, start: Number(start), end: Number(end) };
}

function startOf(name: string): number {
  return parsePart(name).start;
}

interface ObjectClaimParts {
  readonly objects: ObjectShelf;
  readonly place: string;
  readonly claim: string;
  readonly length: number;
}

class ObjectClaim implements LedgerClaim {
  readonly #parts: ObjectClaimParts;
  #length: number;
  /** What is not in a merged object of full length yet. */
  #tail: Uint8Array[] = [];
  #tailStart: number;
  /** Objects of the tail that a merged one makes superfluous. */
  #small: string[] = [];

  constructor(parts: ObjectClaimParts) {
    this.#parts = parts;
    this.#length = parts.length;
    this.#tailStart = parts.length;
  }

  async append(at: number, bytes: Uint8Array): Promise<void> {
    const { objects, place, claim } = this.#parts;
    const name = partName(claim, at, at + bytes.byteLength);
    if (at === this.#length) {
      await objects.put(name, contentOf(bytes));
      if (!(await this.isHeld())) throw fenced(place);
      this.#length += bytes.byteLength;
      this.#tail.push(bytes.slice());
      this.#small.push(name);
      await this.#merge();
    } else if (at + bytes.byteLength !== this.#length) {
      if (!(await this.isHeld())) throw fenced(place);
      throw new Error(`append at byte ${at} of the ledger of ${place}, expected ${this.#length}`);
    }
  }

  isHeld(): Promise<boolean> {
    return isLast(this.#parts.objects, this.#parts.claim);
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  /** The append is safe already: what fails here is tried again with the next one. */
  async #merge(): Promise<void> {
    const isFull = this.#length - this.#tailStart >= MERGED_BYTES;
    if (this.#small.length < 2 || (this.#small.length < MERGED_APPENDS && !isFull)) return;
    const { objects, claim } = this.#parts;
    const merged = partName(claim, this.#tailStart, this.#length);
    const old = this.#small;
    try {
      await objects.put(merged, contentOf(Buffer.concat(this.#tail)));
      this.#small = isFull ? [] : [merged];
      if (isFull) {
        this.#tail = [];
        this.#tailStart = this.#length;
      }
      for (const name of old) if (name !== merged) await objects.remove(name);
    } catch {
      // Small objects that stay cost requests when the ledger is read, and nothing else.
    }
  }
}
