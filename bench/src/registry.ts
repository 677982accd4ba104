/** Every bench there is, and the usage text that lists them. What is not here cannot be run. */
import type { Bench, OptionSpecs } from './bench.js';
import { allreduceBench } from './allreduce/definition.js';
import { engineBench } from './engine/definition.js';
import { engineOpsBench } from './engine-ops/definition.js';
import { fuzzBench } from './fuzz/definition.js';
import { COMMON_OPTIONS, UsageError } from './options.js';
import { presetBench } from './preset/definition.js';
import { recipeBench } from './recipe/definition.js';
import { recoveryBench } from './recovery/definition.js';
import { simulateBench } from './simulate/definition.js';

export const BENCHES: readonly Bench[] = [
  presetBench,
  engineBench,
  engineOpsBench,
  allreduceBench,
  recipeBench,
  recoveryBench,
  simulateBench,
  fuzzBench,
];

/** @throws UsageError that lists the benches */
export function findBench(name: string | undefined): Bench {
  const found = BENCHES.find((bench) => bench.name === name);
  if (found !== undefined) return found;
  throw new UsageError(name === undefined ? usage() : `There is no bench '${name}'.\n\n${usage()}`);
}

/** How to run a bench, and which there are with their options. */
export function usage(): string {
  const benches = BENCHES.flatMap((bench) => ['', `  ${bench.name}: ${bench.summary}`, ...optionLines(bench.options)]);
  return [
    'Usage: npm run bench -- NAME [options]',
    '',
    'Every bench takes',
    ...optionLines(COMMON_OPTIONS),
    '',
    'Benches:',
  ]
    .concat(benches.slice(1))
    .join('\n');
}

function optionLines(options: OptionSpecs): string[] {
  return Object.entries(options).map(([name, { placeholder, about }]) => {
    const shown = placeholder === undefined ? `--${name}` : `--${name} ${placeholder}`;
    return `    ${shown.padEnd(24)} ${about}`;
  });
}
