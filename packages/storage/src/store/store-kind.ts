/** A kind of store: how a person names one, and how it is opened. */
import type { TlsIdentity } from '@facet/security';
import type { BrokerPatience, Environment } from '@facet/shared';
import type { Store } from './run-store.js';

export interface StoreContext {
  /** Logins and keys come from here. */
  readonly env: Environment;
  /** The broker of the run, whose login a store in the same broker uses. */
  readonly brokerUrl?: string | undefined;
  /** Our certificate, for a broker that asks for one. */
  readonly tls?: TlsIdentity | undefined;
  /** How many servers of a cluster keep each message, if the environment says nothing else. */
  readonly replicas?: number | undefined;
  /** The run for which the store is opened, if it is one alone. */
  readonly run?: string | undefined;
  /** How to wait for a broker that is not up yet. Default: not at all. */
  readonly patience?: BrokerPatience | undefined;
}

export interface StoreKind {
  /** What a place of this kind begins with, such as `s3://`. */
  readonly scheme: string;
  /** For messages, such as `s3://BUCKET/PREFIX`. */
  readonly shape: string;
  /**
   * Opens the store at a place. What the implementation needs is loaded here, not before.
   *
   * @throws TrainingError CONFIG_INVALID when the place has another shape; what the store throws when it does not answer.
   */
  open(place: string, context: StoreContext): Promise<Store>;
}
