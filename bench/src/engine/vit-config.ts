/** The plain vision transformers that engines are compared on. */
export interface VitConfig {
  readonly name: string;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly tokens: number;
  /** Values of one patch. */
  readonly patch: number;
}

export const LARGE: VitConfig = {
  name: 'D 128, 6 layers, 64 tokens',
  width: 128,
  depth: 6,
  heads: 4,
  tokens: 64,
  patch: 48,
};

export const SMALL: VitConfig = {
  name: 'D 64, 4 layers, 16 tokens',
  width: 64,
  depth: 4,
  heads: 4,
  tokens: 16,
  patch: 48,
};
