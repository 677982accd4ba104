/** The kinds of stores. A new one is a file with its kind, and its line here. */
import { TrainingError } from '@facet/shared';
import { FOLDER } from './folder/folder-kind.js';
import { NATS } from './nats/nats-kind.js';
import { S3 } from './s3/s3-kind.js';
import type { RunStore, Store } from './store/run-store.js';
import type { StoreContext, StoreKind } from './store/store-kind.js';

const STORE_KINDS: readonly StoreKind[] = [FOLDER, NATS, S3];

/** What a person may name, for help and messages: `FOLDER, nats://HOST:PORT, ...`. */
export const STORE_SHAPES = STORE_KINDS.map(({ shape }) => shape).join(', ');

/** Whether a text names a store, or a run in one, rather than a run or a folder: it has a scheme. */
export function isStorePlace(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

/**
 * Opens a store. A text without a scheme is a folder.
 *
 * @throws TrainingError CONFIG_INVALID for a place of no known kind, or one with a login in it; STORE_REFUSED and others when the
 *   store cannot be used.
 */
export async function openStore(place: string, context: StoreContext): Promise<Store> {
  if (!isStorePlace(place)) return FOLDER.open(place, context);
  const kind = STORE_KINDS.find(({ scheme }) => place.startsWith(scheme));
  if (kind === undefined) {
    throw new TrainingError('CONFIG_INVALID', `the store '${maskLogin(place)}': expected ${STORE_SHAPES}`);
  }
  if (place.includes('@')) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `the store '${maskLogin(place)}' has a login in it, which everybody can see in the list of processes; leave it out and set FACET_STORE_LOGIN or FACET_STORE_LOGIN_FILE`,
    );
  }
  return kind.open(place.replace(/\/+$/, ''), context);
}

function maskLogin(place: string): string {
  return place.replace(/\/\/.*@/, '//***@');
}

/** One run by its place: `nats://HOST:PORT/RUN`, `s3://BUCKET/PREFIX/RUN`. */
export interface PlacedRun {
  readonly store: string;
  readonly run: string;
}

/** @throws TrainingError CONFIG_INVALID when the place has no name of a run at its end. */
export function parseRunPlace(text: string): PlacedRun {
  const [, store, run] = /^([a-z][a-z0-9+.-]*:\/\/.*[^/])\/([A-Za-z0-9][A-Za-z0-9_-]{0,63})$/i.exec(text) ?? [];
  if (store === undefined || run === undefined) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `'${maskLogin(text)}' names no run of a store, expected STORE/RUN, such as nats://HOST:PORT/RUN or s3://BUCKET/PREFIX/RUN`,
    );
  }
  return { store, run };
}

/** A run whose store is closed with it. */
export async function openRunStore({ store, run }: PlacedRun, context: StoreContext): Promise<RunStore> {
  const opened = await openStore(store, { ...context, run });
  const found = await opened.open(run);
  return {
    ...found,
    async [Symbol.asyncDispose]() {
      await found[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
    },
  };
}
