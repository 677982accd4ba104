/**
 * A source made of functions of one's own. What they say and return is checked, so that a mistake is named where it is made
 * and not inside a training.
 */
import { TrainingError, fieldLength, type SampleField, type FieldValues, describeField, isOfType } from '@facet/shared';
import { assertIds, SPLIT_NAMES, type SampleIds, type SampleSource, type SplitName } from './sample-source.js';

/** What a source of one's own consists of; see {@link SampleSource}. */
export interface OwnOptions {
  readonly fields: Readonly<Record<string, SampleField>>;
  /** How many samples a split has; the same in every process. */
  length(split: SplitName): number;
  /** Is asked only for ids that the split has. */
  read(
    split: SplitName,
    ids: SampleIds,
  ): Promise<Readonly<Record<string, FieldValues>>> | Readonly<Record<string, FieldValues>>;
  readonly classes?: readonly string[];
  /** 64 hex digits; another content must have another digest. SHA-256 of the data does. */
  readonly digest: string;
}

const TYPES = ['uint8', 'int32', 'float32'];

/**
 * A source made of one's own functions.
 *
 * @throws TrainingError CONFIG_INVALID naming a field, length or digest that is not as it must be. Its `read` throws
 *   DATASET_INVALID when the own function returns other fields, types or lengths than it should.
 */
export function own(options: OwnOptions): SampleSource {
  const { fields, classes, digest } = options;
  assertFields(fields);
  if (!/^[0-9a-f]{64}$/.test(digest)) {
    throw invalid(`the digest is '${digest}', expected 64 hex digits (0-9, a-f), such as a SHA-256 of the data`);
  }
  const lengths = { train: lengthOf(options, 'train'), test: lengthOf(options, 'test') };
  if (lengths.train === 0) throw invalid('train has 0 samples, expected at least one');
  return {
    fields,
    digest,
    ...(classes !== undefined && { classes }),
    length: (split) => lengths[split],
    read: async (split, ids) => {
      assertIds(split, ids, lengths[split]);
      return checkedValues(fields, await options.read(split, ids), ids.length);
    },
  };
}

function assertFields(fields: OwnOptions['fields']): void {
  const entries = Object.entries(fields);
  if (entries.length === 0) throw invalid('there is no field, expected at least one');
  for (const [name, field] of entries) {
    const isWhole = field.shape.every((length) => Number.isSafeInteger(length) && length > 0);
    if (isWhole && TYPES.includes(field.type)) continue;
    const expected = `lengths from 1 and one of ${TYPES.join(', ')}`;
    throw invalid(`field '${name}' is ${describeField(field)}, expected ${expected}`);
  }
}

function lengthOf(options: OwnOptions, split: SplitName): number {
  const length = options.length(split);
  if (Number.isSafeInteger(length) && length >= 0) return length;
  throw invalid(
    `the length of ${split} is ${length}, expected a whole number from 0 (splits: ${SPLIT_NAMES.join(', ')})`,
  );
}

/** The own function may return a part of what it keeps; a copy belongs to the caller. */
function checkedValues(
  fields: OwnOptions['fields'],
  read: Readonly<Record<string, FieldValues>>,
  count: number,
): Record<string, FieldValues> {
  const checked: Record<string, FieldValues> = {};
  for (const [name, field] of Object.entries(fields)) {
    const values: unknown = read[name];
    const expected = count * fieldLength(field);
    if (!isOfType(values, field.type) || values.length !== expected) {
      const wanted = `${expected} numbers of type ${field.type} (${count} samples of ${describeField(field)})`;
      throw new TrainingError('DATASET_INVALID', `field '${name}' was read as ${kindOf(values)}, expected ${wanted}`);
    }
    checked[name] = values.slice();
  }
  return checked;
}

function kindOf(values: unknown): string {
  if (values === undefined) return 'nothing';
  if (!ArrayBuffer.isView(values)) return typeof values;
  return `${values.constructor.name} of ${(values as FieldValues).length} numbers`;
}

function invalid(problem: string): TrainingError {
  return new TrainingError('CONFIG_INVALID', `a source of one's own: ${problem}`);
}
