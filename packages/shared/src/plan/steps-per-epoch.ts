/** How many steps an epoch has: the last one may have fewer samples than the others. */
export function stepsPerEpoch(run: { readonly trainSamples: number; readonly globalBatch: number }): number {
  return Math.ceil(run.trainSamples / run.globalBatch);
}
