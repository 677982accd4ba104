/**
 * Chunks of uploads that were cut short: a writer that was killed leaves chunks which no entry names. The next writer removes them.
 * Another writer may be in the middle of an upload, so a chunk is stray only if nothing was added to its upload for long. Times
 * are the broker's: the writer has just written, so the newest message of the stream says what time it is there.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { RunNames } from './nats-names.js';

/** A writer repeats a chunk for some minutes at most, and then removes what it sent. */
export const STRAY_AFTER_MS = 60 * 60_000;

export interface StrayPlace {
  readonly manager: Pick<JetStreamManager, 'streams'>;
  readonly names: RunNames;
  readonly strayAfterMs: number;
}

/**
 * Removes what is stray.
 *
 * @param isNamed whether an entry names an upload; asked once, after the chunks were listed, for uploads that may be stray
 * @returns the ids of the uploads
 */
export async function removeStrays(
  { manager, names, strayAfterMs }: StrayPlace,
  isNamed: () => Promise<(id: string) => boolean>,
): Promise<readonly string[]> {
  const { streams } = manager;
  const { state } = await streams.info(names.objectStream, { subjects_filter: names.chunkSubjects });
  const lastChunks = new Map<string, number>();
  for (const subject of Object.keys(state.subjects ?? {})) {
    const { id, index } = names.chunkOf(subject);
    lastChunks.set(id, Math.max(index, lastChunks.get(id) ?? 0));
  }
  if (lastChunks.size === 0) return [];
  const nowMs = Date.parse(state.last_ts);
  const has = await isNamed();
  const removed: string[] = [];
  for (const [id, index] of lastChunks) {
    if (has(id)) continue;
    const last = await streams.getMessage(names.objectStream, { last_by_subj: names.chunkSubject(id, index) });
    // It has just been removed by its writer.
    if (last === null || nowMs - last.time.getTime() < strayAfterMs) continue;
    await streams.purge(names.objectStream, { filter: names.chunkSubject(id, '>') });
    removed.push(id);
  }
  return removed;
}
