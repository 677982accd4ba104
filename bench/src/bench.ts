/**
 * What a bench is: a name, options, the shape of its report, and how to run it. The definition is light; what measures is
 * loaded only when the bench runs. Every bench has a small form that takes some seconds: it proves that the bench runs and
 * what its JSON looks like, and its figures mean nothing.
 */
import { z } from 'zod';

/** An option of the command line: one that takes a value, or a flag. */
export interface OptionSpec<T> {
  /** What stands for the value in the usage text; absent for a flag. */
  readonly placeholder?: string;
  readonly about: string;
  /** @throws RangeError that says what was expected */
  readonly parse: (text: string) => T;
  readonly default: T;
  /** The default of the small form, where it differs. */
  readonly small?: T;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- options of any types; OptionValues says which
export type OptionSpecs = Readonly<Record<string, OptionSpec<any>>>;

export type OptionValues<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends OptionSpec<infer T> ? T : never;
};

export interface BenchContext {
  readonly isSmall: boolean;
  /** Aborted when the bench shall end: whatever was started ends with it. */
  readonly signal: AbortSignal;
  /** One line for people, on stderr. */
  readonly say: (line: string) => void;
}

/** What a bench measured, before it is said where and when. */
export interface Measurements<Row, Figures, Ratios> {
  readonly rows: readonly Row[];
  readonly figures: Figures;
  /** How things compare within this run; the only numbers to compare between machines. */
  readonly ratios: Ratios;
  /** Sentences on how something was measured, and what was skipped. */
  readonly notes?: readonly string[];
  /** Promises that were broken; with any of them the bench ends with exit code 1. */
  readonly failures?: readonly string[];
}

export type Run<Specs extends OptionSpecs, Row, Figures, Ratios> = (
  options: OptionValues<Specs>,
  context: BenchContext,
) => Promise<Measurements<Row, Figures, Ratios>>;

export interface BenchDefinition<Specs extends OptionSpecs, Row, Figures, Ratios> {
  readonly name: string;
  /** One line: what it measures. */
  readonly summary: string;
  readonly options: Specs;
  readonly shape: {
    readonly row: z.ZodType<Row>;
    readonly figures: z.ZodType<Figures>;
    readonly ratios: z.ZodType<Ratios>;
  };
}

/** A bench as the registry holds it: its own types are checked where it is defined. */
export interface Bench {
  readonly name: string;
  readonly summary: string;
  readonly options: OptionSpecs;
  /** The shape of its JSON. */
  readonly report: z.ZodType<Report>;
  readonly run: (
    options: Readonly<Record<string, unknown>>,
    context: BenchContext,
  ) => Promise<Measurements<unknown, unknown, unknown>>;
}

/** Where and on what a bench ran; belongs to every report. */
const ENVIRONMENT = {
  date: z.iso.datetime(),
  commit: z.string().min(1),
  node: z.string().startsWith('v'),
  cpu: z.string(),
  cores: z.int().positive(),
  memoryGiB: z.int().nonnegative(),
};

export type Environment = z.infer<z.ZodObject<typeof ENVIRONMENT>>;

export interface Report extends Environment, Measurements<unknown, unknown, unknown> {
  readonly bench: string;
  readonly isSmall: boolean;
  readonly notes: readonly string[];
  readonly failures: readonly string[];
}

/** A definition as it is, with its types. */
export function defineBench<const Specs extends OptionSpecs, Row, Figures, Ratios>(
  definition: BenchDefinition<Specs, Row, Figures, Ratios>,
): BenchDefinition<Specs, Row, Figures, Ratios> {
  return definition;
}

/**
 * Ties a bench's options, its report and its measuring together.
 *
 * @param load loads what measures, when the bench runs
 */
export function openBench<Specs extends OptionSpecs, Row, Figures, Ratios>(
  { name, summary, options, shape }: BenchDefinition<Specs, Row, Figures, Ratios>,
  load: () => Promise<Run<Specs, Row, Figures, Ratios>>,
): Bench {
  const report = z.strictObject({
    bench: z.literal(name),
    isSmall: z.boolean(),
    ...ENVIRONMENT,
    rows: z.array(shape.row),
    figures: shape.figures,
    ratios: shape.ratios,
    notes: z.array(z.string()),
    failures: z.array(z.string()),
  });
  return {
    name,
    summary,
    options,
    report,
    run: async (values, context) => (await load())(values as OptionValues<Specs>, context),
  };
}
