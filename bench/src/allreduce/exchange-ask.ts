/** What the ranks of the all-reduce bench are asked to reduce, and how. */
import type { GradientFormatName } from '@facet/shared';
import type { MeshOptions } from '@facet/collective/internal';

export type Transport = MeshOptions['transport'];

export const TRANSPORTS = ['auto', 'unix', 'tcp', 'grpc'] as const satisfies readonly Transport[];

/** How a gradient is cut; absent: as a run does by default. */
export interface Cut {
  readonly bucketBytes?: number;
  readonly messageBytes?: number;
}

export interface ExchangeAsk extends Cut {
  /** Elements of the gradient. */
  readonly length: number;
  readonly transport: Transport;
  readonly format: GradientFormatName;
}

/** What is compared: our transports and formats; peers need the length alone. */
export type ContenderAsk = Pick<ExchangeAsk, 'length'> & Partial<ExchangeAsk>;

/** Elements of a gradient of so many megabytes. */
export const elementsOf = (megabytes: number): number => Math.round((megabytes * 1e6) / 4);
