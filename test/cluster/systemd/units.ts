/** The units that deploy/systemd has. */
import { fileURLToPath } from 'node:url';

export const UNITS = ['facet-broker.service', 'facet-coordinator.service', 'facet-worker@.service'] as const;

export function unitFile(name: string): string {
  return fileURLToPath(new URL(`../../../deploy/systemd/${name}`, import.meta.url));
}
