/** The formats of an export, and what every one of them says about where its weights come from. */

export const EXPORT_FORMATS = ['onnx', 'safetensors', 'tfjs'] as const;

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Where the weights come from; written into every export. */
export interface ModelOrigin {
  readonly run: string;
  readonly step: number;
  readonly weightsSha256: string;
  /** Class names in label order. */
  readonly classes: readonly string[];
}
