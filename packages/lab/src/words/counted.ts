import { formatCount } from './format.js';

/** `1 worker`, `2 workers`. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
