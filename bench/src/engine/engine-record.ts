/** What the parts of the engine bench find out, gathered under the keys of its report. */
import { figureKey, median, medianRatio, round } from '../figures.js';
import type { EngineRow } from './definition.js';
import { LARGE, type VitConfig } from './vit-config.js';

export interface RowDetails {
  /** Floating-point operations of one image by the formula of the model, */
  readonly formula?: number;
  /** and by the matrix products that the program holds. */
  readonly counted?: number;
  readonly nodes?: number;
  readonly setupMs?: number;
}

export class EngineRecord {
  readonly rows: EngineRow[] = [];
  readonly figures: Record<string, number> = {};
  readonly ratios: Record<string, number> = {};
  readonly notes: string[] = [];
  readonly failures: string[] = [];

  /** A row of images per second, beside what the matrix product gave in the same turns. */
  addRow(
    model: string,
    engine: string,
    rates: readonly number[],
    gemmRates: readonly number[],
    { formula, counted, nodes, setupMs }: RowDetails,
  ): void {
    const imagesPerSecond = median(rates);
    const gflops = (flops: number): number => round((imagesPerSecond * flops) / 1e9);
    const percent = (flops: number): number => round((100 * medianRatio(rates, gemmRates) * flops) / 1e9);
    this.rows.push({
      model,
      engine,
      imagesPerSecond: round(imagesPerSecond),
      ...(formula !== undefined && { gflops: gflops(formula), percentOfGemm: percent(formula) }),
      ...(counted !== undefined && { countedGflops: gflops(counted), countedPercentOfGemm: percent(counted) }),
      ...(nodes !== undefined && { nodes }),
      ...(setupMs !== undefined && { setupMs: round(setupMs) }),
    });
  }
}

/** The large model's keys have no prefix: it is the one that the goals are about. */
export function keyOf(config: VitConfig, name: string): string {
  return config === LARGE ? figureKey(name) : figureKey('small', name);
}
