/**
 * Finds the member whose gradients or losses lie far from the others': its data, its machine or its code differ, or it wants to
 * spoil the run. Each member says what its own part of a step was like before the parts are added. One odd step is ordinary;
 * several of a few are not. Nothing is refused or taken out because of it.
 *
 * What members say is checked against what they made together: the norm of a sum is never more than the sum of the norms
 * (triangle inequality). So a member that sends a large gradient cannot hide it by saying that it was small, unless the others
 * are so many that they drown it.
 */
import { OutlierRule, type StepVerdict } from './outlier-rule.js';

/** What a member says of its own part of a step. */
export interface MemberFigures {
  readonly workerId: string;
  readonly step: number;
  readonly samples: number;
  /** Per sample. */
  readonly gradientNorm: number;
  /** Mean over its samples. */
  readonly loss: number;
  /** Norm of the mean gradient of the whole step, as all members got it. */
  readonly reducedNorm: number;
}

/** A member began to lie far from the others, or lies there no more. */
export interface OutlierNews {
  /** Absent where it is not known which member is meant. */
  readonly workerId?: string;
  readonly figure: FigureName | 'truth';
  readonly kind: 'outlying' | 'ordinary';
  /** For people. */
  readonly message: string;
}

type FigureName = 'gradient' | 'loss';

/** A member is reported when so many of its last steps were far, and no more when none of them was. */
const FAR_STEPS = 4;
const WINDOW = 10;
/** Norms are compared by their ratio: within a factor of 5 nobody is far, beyond one of 15 everybody is. */
const NORM_FACTOR = { least: 5, most: 15 } as const;
/** Of two norms, neither of which is 0. */
const LEAST_NORM = 1e-30;
/** A loss is not far unless it is so many times the others' away from them, and so much of the first loss. */
const LOSS_TIMES = 4;
const FIRST_LOSS_SHARE = 1 / 4;
/** Sums are rounded to the gradient's format on their way; no format is that coarse. */
const ROUNDING = 1.25;
/** Steps that not every member has reported; a member is one step ahead at most. */
const MOST_OPEN_STEPS = 8;

export class OutlierWatch {
  #members: ReadonlySet<string> = new Set();
  /** By step, until every member has reported it; then by worker. */
  readonly #reports = new Map<number, Map<string, MemberFigures>>();
  #firstLoss: number | undefined;
  readonly #rules: Readonly<Record<FigureName, OutlierRule>> = {
    gradient: new OutlierRule({ least: () => Math.log(NORM_FACTOR.least), most: Math.log(NORM_FACTOR.most) }),
    loss: new OutlierRule({
      least: (centre) => Math.max(LOSS_TIMES * Math.abs(centre), FIRST_LOSS_SHARE * Math.abs(this.#firstLoss ?? 0)),
      most: Number.POSITIVE_INFINITY,
    }),
  };
  /** Whether a member was far in its last steps, the oldest first; by figure and worker. */
  readonly #windows = new Map<string, boolean[]>();
  /** What was said when an episode began, by figure and worker. */
  readonly #outliers = new Map<string, { readonly workerId: string; readonly message: string }>();

  /** A generation begins. What is known of its members, and of the run, stays. */
  begin(members: readonly string[]): void {
    this.#members = new Set(members);
    this.#reports.clear();
    const keys = new Set(members.flatMap((workerId) => FIGURES.map((figure) => keyOf(figure, workerId))));
    keys.add(keyOf('truth', ''));
    for (const known of [this.#windows, this.#outliers]) {
      for (const key of known.keys()) if (!keys.has(key)) known.delete(key);
    }
  }

  /** A member finished a step. Returns what that changes, once the last one has. */
  observe(figures: MemberFigures): readonly OutlierNews[] {
    const { workerId, step } = figures;
    if (!this.#members.has(workerId)) return [];
    const reports = this.#reports.get(step) ?? new Map<string, MemberFigures>();
    this.#reports.set(step, reports.set(workerId, figures));
    if (reports.size < this.#members.size) {
      if (this.#reports.size > MOST_OPEN_STEPS) this.#reports.delete(Math.min(...this.#reports.keys()));
      return [];
    }
    for (const reported of [...this.#reports.keys()]) if (reported <= step) this.#reports.delete(reported);
    const busy = [...reports.values()].filter(({ samples }) => samples > 0);
    if (busy.length < 2) return [];
    const norms = new Map(busy.map((one) => [one.workerId, Math.log(Math.max(one.gradientNorm, LEAST_NORM))]));
    const losses = new Map(busy.map(({ workerId: of, loss }) => [of, loss]));
    const lossVerdict = this.#rules.loss.judge(losses);
    if (lossVerdict.far.size === 0) this.#firstLoss ??= lossVerdict.centre;
    return [
      ...this.#note('gradient', this.#rules.gradient.judge(norms), norms),
      ...this.#note('loss', lossVerdict, losses),
      ...this.#checkTruth(busy),
    ];
  }

  /** Members that are outliers now. What nobody in particular is blamed for counts as one. */
  get count(): number {
    return new Set([...this.#outliers.values()].map(({ workerId }) => workerId)).size;
  }

  /** One sentence about each outlier, for people; empty while there is none, and the same as long as they are the same. */
  get note(): string {
    return [...this.#outliers.values()].map(({ message }) => message).join('; ');
  }

  /** What there is to say of a member; empty while it is ordinary. */
  noteOf(workerId: string): string {
    const own = [...this.#outliers.values()].filter((outlier) => outlier.workerId === workerId);
    return own.map(({ message }) => message).join('; ');
  }

  #note(figure: FigureName, verdict: StepVerdict, values: ReadonlyMap<string, number>): readonly OutlierNews[] {
    const describe = figure === 'gradient' ? describeNorm : describeLoss;
    return [...values].flatMap(([workerId, value]) =>
      this.#turn({ figure, workerId, isFar: verdict.far.has(workerId) }, () =>
        withDoubt(`worker ${workerId}: ${describe(value, verdict.centre)}`, verdict),
      ),
    );
  }

  /** All members got the same sum; it must not be larger than what they say that they put in. */
  #checkTruth(members: readonly MemberFigures[]): readonly OutlierNews[] {
    const samples = members.reduce((sum, one) => sum + one.samples, 0);
    const said = members.reduce((sum, one) => sum + one.samples * one.gradientNorm, 0) / samples;
    const made = Math.min(...members.map(({ reducedNorm }) => reducedNorm));
    const isFar = made > ROUNDING * said;
    return this.#turn({ figure: 'truth', workerId: '', isFar }, () => {
      const figures = `the gradient of a step has the norm ${made.toPrecision(3)}, and members say that theirs come to ${said.toPrecision(3)} at most`;
      return `a member does not say the truth about its gradient: ${figures}`;
    });
  }

  /** Adds a step to a window; an episode begins when enough of it is far, and ends when nothing of it is. */
  #turn(
    { figure, workerId, isFar }: { figure: FigureName | 'truth'; workerId: string; isFar: boolean },
    describe: () => string,
  ): readonly OutlierNews[] {
    const key = keyOf(figure, workerId);
    const window = [...(this.#windows.get(key) ?? []), isFar].slice(-WINDOW);
    this.#windows.set(key, window);
    const count = window.filter(Boolean).length;
    const was = this.#outliers.has(key);
    const who = workerId === '' ? {} : { workerId };
    if (!was && isFar && count >= FAR_STEPS) {
      const message = `${describe()} (${count} of the last ${window.length} steps were like that)`;
      this.#outliers.set(key, { workerId, message });
      return [{ ...who, figure, kind: 'outlying', message }];
    }
    if (!was || count > 0) return [];
    this.#outliers.delete(key);
    const what = workerId === '' ? 'what members say of their gradients' : `the ${figure} of worker ${workerId}`;
    return [{ ...who, figure, kind: 'ordinary', message: `${what} was ordinary for ${WINDOW} steps` }];
  }
}

const FIGURES: readonly FigureName[] = ['gradient', 'loss'];

function keyOf(figure: FigureName | 'truth', workerId: string): string {
  return `${figure} ${workerId}`;
}

function describeNorm(log: number, centre: number): string {
  const [norm, usual] = [Math.exp(log), Math.exp(centre)];
  const ratio =
    norm >= usual ? `${(norm / usual).toPrecision(3)} times the` : `1/${(usual / norm).toPrecision(3)} of the`;
  return `its gradient is ${ratio} others' (norm per sample ${norm.toPrecision(3)}, others ${usual.toPrecision(3)})`;
}

function describeLoss(loss: number, centre: number): string {
  return `its loss is ${loss.toPrecision(4)}, the others' ${centre.toPrecision(4)}`;
}

function withDoubt(text: string, { isUndecided }: StepVerdict): string {
  if (!isUndecided) return text;
  return `${text}; there is one other member, and the run is too young to say which of the two is right`;
}
