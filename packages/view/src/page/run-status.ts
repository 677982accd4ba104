/** What /status says; of its members, those that the page shows. */
export interface RunStatus {
  readonly phase: string;
  readonly detail: string;
  readonly generation: number;
  readonly step: number;
  readonly totalSteps: number;
  readonly epoch: number;
  readonly epochs: number;
  readonly samplesPerSecond: number;
  readonly etaSeconds: number;
  readonly checkpointStep: number;
  readonly faults: number;
  readonly lastFault: string;
  readonly workers: readonly WorkerStatus[];
  readonly mixedEngines: string;
  readonly checkpointFailure: string;
  readonly stragglers: string;
  readonly outliers: string;
}

export interface WorkerStatus {
  readonly workerId: string;
  readonly host: string;
  readonly pid: number;
  readonly isMember: boolean;
  readonly rank: number;
  readonly state: string;
  readonly engine: string;
  readonly device: string;
  readonly samplesPerSecond: number;
  readonly outlier: string;
}
