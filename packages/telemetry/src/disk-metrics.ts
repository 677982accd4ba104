/** How much room a disk has left: a run that cannot write its ledger ends. */
import { statfs } from 'node:fs/promises';
import { Gauge, type Registry } from 'prom-client';

export interface DiskGaugeOptions {
  readonly registry: Registry;
  readonly name: string;
  readonly help: string;
  /** A folder on the disk. */
  readonly folder: string;
}

/** A gauge of the bytes that this user may still write, read at every scrape; NaN where the system does not say it. */
export function registerDiskGauge({ registry, name, help, folder }: DiskGaugeOptions): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    async collect() {
      const free = await statfs(folder).then(
        ({ bavail, bsize }) => bavail * bsize,
        () => Number.NaN,
      );
      this.set(free);
    },
  });
}
