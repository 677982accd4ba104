/** What a rehearsal and the processes of its workers say to each other, as JSON over the channel that Node opens to a child. */
import type { WorkItem } from '@facet/shared';

/** A piece of work of one generation. */
export interface WorkPlace {
  readonly generation: number;
  readonly item: WorkItem;
}

export interface JoinOrder {
  readonly size: number;
  /** What the ids of its workers begin with. */
  readonly name: string;
  readonly coordinatorAddresses: readonly string[];
  readonly broker: { readonly run: string; readonly url: string };
  readonly token: string;
  readonly codeVersion: string;
  /** What the arithmetic of a piece of work would take. */
  readonly workMs: number;
  /** It measures the messages of its first worker. */
  readonly measuresMessages: boolean;
}

export type ToCrew =
  | ({ readonly kind: 'join' } & JoinOrder)
  /** All members have come to a piece of work. */
  | ({ readonly kind: 'go' } & WorkPlace)
  /** Workers of another process died: what their peers wait for will not come. */
  | { readonly kind: 'lost'; readonly reason: string };

/** Bytes of the last message of each kind, as gRPC serialises it. */
export type MessageBytes = Readonly<Record<string, number>>;

export type FromCrew =
  | { readonly kind: 'loaded' }
  /** So many more of its members have come to a piece of work. */
  | ({ readonly kind: 'arrived'; readonly count: number; readonly worldSize: number } & WorkPlace)
  /** So many more of its members were told Start. */
  | { readonly kind: 'started'; readonly generation: number; readonly count: number; readonly worldSize: number }
  /** The first of its members is about to say that it finished a step; by the clock of the wall. */
  | { readonly kind: 'step'; readonly step: number; readonly atMs: number }
  /** A worker gave up or was refused. */
  | { readonly kind: 'trouble'; readonly message: string }
  | { readonly kind: 'bytes'; readonly bytes: MessageBytes }
  /** Its workers ended; how often in which way, and what the first one that did not end well said. */
  | { readonly kind: 'ended'; readonly outcomes: Readonly<Record<string, number>>; readonly message: string };
