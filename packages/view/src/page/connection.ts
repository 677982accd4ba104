/**
 * The stream of a run's events. It connects again by itself, after the last event that it has heard, so that nothing is
 * missed; the server sends a snapshot if it does not know that event any more. A connection on which nothing comes is given up.
 */
import type { HistoryItem } from '../../../shared/src/history/history-item.js';
import type { HistoryState } from '../../../shared/src/history/run-history.js';
import type { RunStatus } from './run-status.js';

export type ConnectionState = 'connecting' | 'live' | 'reconnecting';

export interface Hearer {
  onSnapshot(state: HistoryState): void;
  onItem(item: HistoryItem): void;
  onStatus(status: RunStatus): void;
  onState(state: ConnectionState): void;
}

/** The server says something every 5 s. */
const SILENCE_MS = 12_000;
const WAITS_MS = [500, 1_000, 2_000, 5_000];

/** Follows the events at an address for as long as the page is there. */
export function follow(url: string, hearer: Hearer): void {
  let lastId = '';
  let failures = 0;

  const connect = (): void => {
    const source = new EventSource(lastId === '' ? url : `${url}?after=${encodeURIComponent(lastId)}`);
    let watchdog = 0;
    const giveUp = (): void => {
      source.close();
      clearTimeout(watchdog);
      hearer.onState('reconnecting');
      setTimeout(connect, WAITS_MS[Math.min(failures, WAITS_MS.length - 1)]);
      failures += 1;
    };
    const heard = (): void => {
      failures = 0;
      clearTimeout(watchdog);
      watchdog = setTimeout(giveUp, SILENCE_MS);
      hearer.onState('live');
    };
    const on = <T>(event: string, take: (value: T) => void): void => {
      source.addEventListener(event, ({ data, lastEventId }: MessageEvent<string>) => {
        heard();
        take(JSON.parse(data) as T);
        // Only now: what was not taken in is asked for again.
        if (event === 'snapshot' || event === 'item') lastId = lastEventId;
      });
    };
    on<HistoryState>('snapshot', (state) => {
      hearer.onSnapshot(state);
    });
    on<HistoryItem>('item', (item) => {
      hearer.onItem(item);
    });
    on<RunStatus>('status', (status) => {
      hearer.onStatus(status);
    });
    on('alive', () => undefined);
    // A browser would try again by itself after some faults and not after others.
    source.addEventListener('error', giveUp, { once: true });
  };
  connect();
}
