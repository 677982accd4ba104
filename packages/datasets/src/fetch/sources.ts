/**
 * Tries several sources of one dataset in order, until one gives sound content. A source that fails or gives wrong content is
 * skipped. If all fail, one error lists every source with its reason.
 */
import { TrainingError } from '@facet/shared';
import type { OnProgress } from './progress.js';
import { publishFolder, type Staging } from './publish-folder.js';

/** A place to get a dataset from. */
export interface FetchSource {
  /** For people, as it appears in messages. */
  readonly name: string;
  /** Writes the dataset's canonical files into `staging.content`. Stops soon after the signal is aborted. */
  obtain(staging: Staging, onProgress: OnProgress, signal: AbortSignal): Promise<void>;
}

/** A fetch of one dataset. */
export interface FetchPlan {
  readonly dataset: string;
  /** The folder the files shall be in. */
  readonly target: string;
  readonly sources: readonly FetchSource[];
  /** Throws unless a folder holds the dataset; may add a manifest. Runs before anything is published. */
  readonly seal: (folder: string) => Promise<void>;
  /** What a person can do when no source works, as a sentence. */
  readonly remedy: string;
}

/**
 * Fills `plan.target` from the first source that works.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when no source works.
 * @throws TrainingError CANCELLED when the signal is aborted.
 */
export async function fetchFromSources(plan: FetchPlan, onProgress: OnProgress, signal: AbortSignal): Promise<void> {
  const failures: string[] = [];
  for (const source of plan.sources) {
    try {
      signal.throwIfAborted();
      onProgress({ kind: 'trying', source: source.name });
      await publishFolder(plan.target, async (staging) => {
        await source.obtain(staging, onProgress, signal);
        onProgress({ kind: 'checking', source: source.name });
        await plan.seal(staging.content);
        signal.throwIfAborted();
      });
      onProgress({ kind: 'ready', folder: plan.target });
      return;
    } catch (cause) {
      if (signal.aborted) {
        const message = `the fetch of ${plan.dataset} was cancelled and nothing was changed in the cache; run it again`;
        throw new TrainingError('CANCELLED', message, { cause });
      }
      const reason = reasonOf(cause);
      failures.push(`  ${failures.length + 1}. ${source.name}: ${reason}`);
      onProgress({ kind: 'failed', source: source.name, reason });
    }
  }
  const message = `${plan.dataset} could not be fetched from any source:\n${failures.join('\n')}\n${plan.remedy}`;
  throw new TrainingError('DATASET_UNAVAILABLE', message);
}

/** The messages of an error and its causes: Node's fetch says what happened only in the cause. */
function reasonOf(caught: unknown): string {
  const messages: string[] = [];
  for (let error = caught; error instanceof Error && messages.length < 5; error = error.cause) {
    if (error.message !== '' && !messages.some((message) => message.includes(error.message))) {
      messages.push(error.message);
    }
  }
  return messages.length === 0 ? String(caught) : messages.join(': ');
}
