/**
 * The flags --engine and --device of the commands that take no whole configuration. They say what is of this machine; what
 * is not given stays as the run says.
 */
import { choiceAdvice, configSchema, engineProblem, type EngineWish } from '@facet/shared';

export interface EngineFlags {
  readonly engine?: string;
  readonly device?: string;
}

const { name: ENGINE_CHOICES, device: DEVICE_CHOICES } = configSchema.shape.engine.shape;

export const ENGINE_ABOUT = `what computes gradients: ${ENGINE_CHOICES.options.join(', ')}`;
export const DEVICE_ABOUT = `what it computes on: ${DEVICE_CHOICES.options.join(', ')}`;

/** The part of a wish that was given, and one sentence for everything that is wrong with it. */
export function readEngineFlags({ engine, device }: EngineFlags): {
  readonly wish: Partial<EngineWish>;
  readonly problems: readonly string[];
} {
  const name = ENGINE_CHOICES.options.find((known) => known === engine);
  const on = DEVICE_CHOICES.options.find((known) => known === device);
  const wish = { ...(name !== undefined && { name }), ...(on !== undefined && { device: on }) };
  const problems = [
    ...unknown('--engine', engine, ENGINE_CHOICES.options),
    ...unknown('--device', device, DEVICE_CHOICES.options),
  ];
  const mismatch = engineProblem({ name: name ?? 'auto', device: on ?? 'auto' });
  return { wish, problems: mismatch === undefined ? problems : [...problems, `--device: ${mismatch}`] };
}

function unknown(flag: string, given: string | undefined, known: readonly string[]): string[] {
  if (given === undefined || known.includes(given)) return [];
  return [`${flag}: '${given}', expected one of ${known.join(', ')}${choiceAdvice(given, known)}`];
}
