/**
 * What a colour means on a page: a split has the same one in every chart, whatever else the chart shows. Series that are of
 * no split take the next of the series colours.
 */
export const TONES = ['training', 'held-out', 'test', 'attacked', 'neutral', 'warm'] as const;
export type Tone = (typeof TONES)[number];

/** The class of a series, for the style sheet. */
export function toneClass(tone: Tone): string {
  return `tone-${tone}`;
}
