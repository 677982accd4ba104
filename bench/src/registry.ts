/** Every bench there is, and the usage text that lists them. What is not here cannot be run. */
import { openBench, type Bench, type OptionSpecs } from './bench.js';
import { allreduceDefinition } from './allreduce/definition.js';
import { engineDefinition } from './engine/definition.js';
import { engineOpsDefinition } from './engine-ops/definition.js';
import { examplesDefinition } from './examples/definition.js';
import { fuzzDefinition } from './fuzz/definition.js';
import { COMMON_OPTIONS, UsageError } from './options.js';
import { presetDefinition } from './preset/definition.js';
import { recipeDefinition } from './recipe/definition.js';
import { recoveryDefinition } from './recovery/definition.js';
import { rehearseDefinition } from './rehearse/definition.js';
import { simulateDefinition } from './simulate/definition.js';
import { storeDefinition } from './store/definition.js';
import { strangersDefinition } from './strangers/definition.js';
import { tlsDefinition } from './tls/definition.js';

export const BENCHES: readonly Bench[] = [
  openBench(presetDefinition, async () => (await import('./preset/run.js')).runPreset),
  openBench(engineDefinition, async () => (await import('./engine/run.js')).runEngine),
  openBench(engineOpsDefinition, async () => (await import('./engine-ops/run.js')).runEngineOps),
  openBench(examplesDefinition, async () => (await import('./examples/run.js')).runExamples),
  openBench(allreduceDefinition, async () => (await import('./allreduce/run.js')).runAllreduce),
  openBench(recipeDefinition, async () => (await import('./recipe/run.js')).runRecipe),
  openBench(recoveryDefinition, async () => (await import('./recovery/run.js')).runRecovery),
  openBench(rehearseDefinition, async () => (await import('./rehearse/run.js')).runRehearse),
  openBench(simulateDefinition, async () => (await import('./simulate/run.js')).runSimulate),
  openBench(storeDefinition, async () => (await import('./store/run.js')).runStore),
  openBench(strangersDefinition, async () => (await import('./strangers/run.js')).runStrangers),
  openBench(tlsDefinition, async () => (await import('./tls/run.js')).runTls),
  openBench(fuzzDefinition, async () => (await import('./fuzz/run.js')).runFuzz),
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
