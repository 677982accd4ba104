/**
 * Parameters that the update leaves alone. To it they do not exist, as for an optimizer of PyTorch whose parameters have
 * `requires_grad=False`: no step, no weight decay, no moments, no part of the norm that clips, no change of their average.
 */
import { TrainingError } from '@facet/shared';
import type { ParameterLayout } from '../arithmetic/parameters.js';

const MOST_NAMED = 8;

/**
 * The parameters that are trained.
 *
 * @param patterns of names, with `*` for any characters and `?` for one
 * @throws TrainingError CONFIG_INVALID for a pattern that fits no parameter, and when none is left
 */
export function trainedParameters(layout: ParameterLayout, patterns: readonly string[]): ParameterLayout {
  if (patterns.length === 0) return layout;
  const names = layout.slots.map(({ name }) => name);
  const tests = patterns.map((pattern) => ({ pattern, test: globTest(pattern) }));
  const idle = tests.find(({ test }) => !names.some(test));
  if (idle !== undefined) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `freeze: '${idle.pattern}' fits no parameter, expected one of ${shownNames(names)}`,
    );
  }
  const slots = layout.slots.filter(({ name }) => !tests.some(({ test }) => test(name)));
  if (slots.length === 0) {
    throw new TrainingError('CONFIG_INVALID', `freeze: ${patterns.join(', ')} leaves no parameter to train`);
  }
  return { slots, length: layout.length };
}

/** The first names, and patterns that together fit all of them. */
function shownNames(names: readonly string[]): string {
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  const groups = [...new Set(names.map((name) => `${name.split(/[./]/)[0]}*`))].slice(0, MOST_NAMED);
  return `${names.slice(0, MOST_NAMED).join(', ')}${more}, or a pattern such as ${groups.join(', ')}`;
}

function globTest(pattern: string): (name: string) => boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`, 's');
  return (name) => expression.test(name);
}
