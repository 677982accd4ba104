/** Names and types of metrics: as a process exports them, and as docs/operations.md lists them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './repository.js';

/** Name -> type, from the text of /metrics. */
export function exportedMetrics(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
}

/** Name -> type, from the tables of docs/operations.md. A name that ends with `*` is a family. */
export function documentedMetrics(): ReadonlyMap<string, string> {
  const text = readFileSync(path.join(ROOT, 'docs/operations.md'), 'utf8');
  const rows = text.matchAll(/^\| `((?:facet|process|nodejs)_[a-z0-9_]+\*?)` +\| ([a-z]+) +\|/gm);
  return new Map([...rows].map(([, name = '', type = '']) => [name, type]));
}

/** True for what prom-client exports about any process. */
export function isProcessMetric(name: string): boolean {
  return name.startsWith('process_') || name.startsWith('nodejs_');
}

/** Every metric that an expression reads, by the name that it is declared with. */
export function metricsIn(expression: string): readonly string[] {
  const names = expression.match(/\b(?:facet|process|nodejs)_[a-z0-9_]+/g) ?? [];
  return names.map((name) => name.replace(/_(bucket|sum|count)$/, ''));
}
