/**
 * The interface of a coordinator for its starter. Types only; see start-coordinator.ts.
 */
import type { HttpLogin, TlsIdentity } from '@facet/security';
import type { BrokerCredentials, Clock, OperatorToken, RunConfig, RunToken } from '@facet/shared';
import type { RunStore } from '@facet/storage';
import type { Logger } from '@facet/telemetry';
import type { RunResult } from './run/result.js';

export interface CoordinatorOptions {
  readonly config: RunConfig;
  /** Holds the ledger, the checkpoints, config.json, result.json and the lock. */
  readonly runFolder: string;
  readonly mode: 'new' | 'resume';
  /** The broker belongs to whoever starts the run, and ends with it: its address is not stored. */
  readonly hasOwnBroker?: boolean;
  /** With which it listens and connects to others; absent: in the open. */
  readonly tls?: TlsIdentity | undefined;
  /** A key for the broker, if its URL has no login. */
  readonly brokerCredentials?: BrokerCredentials | undefined;
  /** What a client of the HTTP port may say instead of showing a certificate. */
  readonly httpLogin?: HttpLogin | undefined;
  /** Workers of another version are refused. */
  readonly codeVersion: string;
  /** What workers must have to join. Default: that in the run's folder, or a new one, which is then in that folder. */
  readonly token?: RunToken | undefined;
  /** What operators must have to give orders. Default: as token. */
  readonly operatorToken?: OperatorToken | undefined;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Where the run lives beside its folder; absent if it lives there alone. */
  readonly store?: RunStore | undefined;
  /** Absent if no other coordinator can lead the run. */
  readonly leadership?: Leadership;
}

/** The right to lead a run. */
export interface Leadership {
  /** How to treat an earlier coordinator's lock on the run's folder. */
  readonly lock: 'respect' | 'take-over';
  /** False as soon as another coordinator may lead. */
  readonly isHeld: () => boolean;
  /** Called when a worker has proved that another coordinator leads already. */
  readonly onFenced: (reason: string) => void;
}

/** `R` is the run's result. */
export interface Coordinator<R = RunResult> {
  /** host:port of the gRPC server; empty if there was no work left. */
  readonly address: string;
  readonly httpUrl: string;
  /** Resolves at the end of the run, whatever the outcome, but not after stepDown; never rejects. */
  readonly done: Promise<R>;
  /** Stops with a checkpoint. */
  requestStop(reason: string): void;
  /** Ends with a checkpoint, and leaves the run to the next coordinator: its workers wait for that one. */
  requestHandOver(reason: string): void;
  /** Has a checkpoint taken as soon as the members have done the steps that they are at. */
  requestCheckpoint(reason: string): void;
  /** Ends at once, without a checkpoint. */
  close(): Promise<void>;
  /** Leaves the run to another coordinator: workers lose their streams and nothing more is written. Waits for an end under way. */
  stepDown(): Promise<void>;
}
