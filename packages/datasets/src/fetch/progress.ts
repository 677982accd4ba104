/**
 * What a fetch tells its caller while it runs. Events are for showing to people: nothing depends on their number, and
 * download events come at most once per MiB.
 */

/** One event of a fetch. Sources are named as they are in error messages. */
export type FetchProgress =
  | { readonly kind: 'trying'; readonly source: string }
  | {
      readonly kind: 'downloading';
      readonly source: string;
      /** Bytes on disk, those of an earlier, interrupted fetch included. */
      readonly doneBytes: number;
      /** Null when the server does not say. */
      readonly totalBytes: number | null;
    }
  | {
      readonly kind: 'converting';
      readonly source: string;
      readonly doneFiles: number;
      readonly totalFiles: number;
    }
  | { readonly kind: 'checking'; readonly source: string }
  | { readonly kind: 'failed'; readonly source: string; readonly reason: string }
  | { readonly kind: 'ready'; readonly folder: string };

/** Receives the events; must not throw. */
export type OnProgress = (progress: FetchProgress) => void;
