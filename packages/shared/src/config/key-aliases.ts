/**
 * The configuration key that somebody means who gives it the name that other programs use, or the last part of its own.
 */
/** Names of other trainers, in camel case. */
const ALIASES: Readonly<Record<string, string>> = {
  lr: 'optimizer.peakLearningRate',
  learningRate: 'optimizer.peakLearningRate',
  batchSize: 'batch.global',
  globalBatchSize: 'batch.global',
  microBatchSize: 'batch.micro',
  epoch: 'epochs',
  ema: 'optimizer.emaDecay',
  gradClip: 'optimizer.clipNorm',
  maxGradNorm: 'optimizer.clipNorm',
  dataDir: 'dataFolder',
  dataPath: 'dataFolder',
  numWorkers: 'workers.count',
  nproc: 'workers.count',
  numThreads: 'engine.threads',
  warmup: 'optimizer.warmupShare',
  saveEvery: 'checkpoint.everySteps',
  port: 'coordinator.port',
  host: 'coordinator.host',
};

/** Which of the dotted keys a name stands for (`lr`, `batch-size`, `weight_decay`); undefined when none is known. */
export function keyMeantBy(name: string, keys: readonly string[]): string | undefined {
  const camel = name.replace(/[-_]+([a-z])/g, (_, letter: string) => letter.toUpperCase());
  if (Object.hasOwn(ALIASES, camel)) return ALIASES[camel];
  return keys.find((key) => key === camel || key.endsWith(`.${camel}`));
}
