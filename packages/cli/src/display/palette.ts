/**
 * Colours, or none: only on a terminal, and never against NO_COLOR (https://no-color.org).
 */
import { styleText } from 'node:util';
import type { Environment, OutputStream } from '../context.js';

export interface Palette {
  strong(text: string): string;
  faint(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

export const PLAIN_PALETTE: Palette = {
  strong: (text) => text,
  faint: (text) => text,
  good: (text) => text,
  bad: (text) => text,
};

const COLOURS: Palette = {
  strong: (text) => styled('bold', text),
  faint: (text) => styled('dim', text),
  good: (text) => styled('green', text),
  bad: (text) => styled('red', text),
};

/** The palette for a stream. */
export function paletteFor(stream: Pick<OutputStream, 'isTTY'>, env: Environment): Palette {
  const isWanted = stream.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return isWanted ? COLOURS : PLAIN_PALETTE;
}

/** The stream was asked already, and it need not be stdout, which is what styleText would ask. */
function styled(style: 'bold' | 'dim' | 'green' | 'red', text: string): string {
  return styleText(style, text, { validateStream: false });
}
