/** How much the engine bench measures: in earnest, and in its small form, whose figures mean nothing. */
import { PRESETS, type PresetName } from '@facet/multiview/config';
import { LARGE, SMALL, type VitConfig } from './vit-config.js';

export interface EnginePlan {
  readonly configs: readonly VitConfig[];
  readonly presets: readonly PresetName[];
  readonly gemmSize: number;
  readonly microBatches: readonly number[];
  /** PyTorch is measured in several sizes, too, and its best one counts. */
  readonly torchBatches: readonly number[];
  readonly imagesPerRank: number;
  readonly stepsPerTurn: number;
  readonly memory: { readonly microBatches: number; readonly after: number };
  /** What the bench promises; a small form is too short to hold it to that. */
  readonly limits: { readonly setupMs: number; readonly growthMB: number };
}

export const FULL_PLAN: EnginePlan = {
  configs: [LARGE, SMALL],
  presets: Object.keys(PRESETS) as PresetName[],
  gemmSize: 1024,
  microBatches: [4, 8, 16, 32, 64, 128],
  torchBatches: [16, 128],
  imagesPerRank: 128,
  stepsPerTurn: 3,
  memory: { microBatches: 1_000, after: 200 },
  limits: { setupMs: 2_000, growthMB: 20 },
};

export const SMALL_PLAN: EnginePlan = {
  configs: [SMALL],
  presets: ['mnist-fast'],
  gemmSize: 256,
  microBatches: [4],
  torchBatches: [16],
  imagesPerRank: 8,
  stepsPerTurn: 1,
  memory: { microBatches: 4, after: 2 },
  limits: { setupMs: Infinity, growthMB: Infinity },
};
