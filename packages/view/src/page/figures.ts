/** How the run stands, in figures. */
import type { HistoryView } from '../../../shared/src/history/run-history.js';
import { endText } from './event-words.js';
import { counted, formatCount, formatDuration, formatFigure, formatPercent, formatTime, UNKNOWN } from './format.js';
import { element } from './dom.js';
import type { RunStatus } from './run-status.js';

interface Figure {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
}

export function figureElements(view: HistoryView, status: RunStatus | undefined): HTMLElement[] {
  return figures(view, status).map(({ name, value, note = '' }) =>
    element('div', {}, [
      element('dt', {}, [name]),
      element('dd', { class: 'value' }, [value]),
      ...(note === '' ? [] : [element('dd', { class: 'note' }, [note])]),
    ]),
  );
}

function figures(view: HistoryView, status: RunStatus | undefined): readonly Figure[] {
  const { points, evaluations, events } = view;
  const last = points.at(-1);
  const tested = evaluations.filter(({ accuracy }) => accuracy !== undefined);
  const evaluation = tested.at(-1) ?? evaluations.at(-1);
  const best = Math.max(...tested.map(({ accuracy }) => accuracy ?? 0));
  const faults = events.filter(({ kind }) => kind === 'fault').length;
  const checkpoint = events.findLast(({ kind }) => kind === 'checkpoint');
  const members = events.findLast((event) => event.kind === 'generation')?.members.length;
  const isLive = status !== undefined && view.end === undefined;
  return [
    { name: 'step', value: formatCount(view.lastStep), note: `of ${formatCount(totalSteps(view))}` },
    { name: 'epoch', value: epochOf(view), note: `of ${formatCount(view.epochs)}` },
    { name: 'train loss', value: formatFigure(last?.loss) },
    ...(last?.accuracy === undefined ? [] : [{ name: 'train accuracy', value: formatPercent(last.accuracy) }]),
    ...(evaluation === undefined
      ? []
      : [
          evaluation.accuracy === undefined
            ? { name: `${evaluation.split} loss`, value: formatFigure(evaluation.loss) }
            : {
                name: `${evaluation.split} accuracy`,
                value: formatPercent(evaluation.accuracy),
                note: `best ${formatPercent(best)}`,
              },
        ]),
    {
      name: 'samples/s',
      value: formatFigure(isLive ? status.samplesPerSecond : last?.samplesPerSecond),
    },
    isLive
      ? { name: 'time left', value: status.etaSeconds > 0 ? formatDuration(status.etaSeconds) : UNKNOWN }
      : { name: 'training time', value: formatDuration(view.trainSeconds) },
    { name: 'workers', value: formatFigure(members) },
    {
      name: 'faults',
      value: formatCount(faults),
      ...(view.replays.steps > 0 && { note: `${counted(view.replays.steps, 'step')} computed again` }),
    },
    {
      name: 'checkpoint',
      value: checkpoint === undefined ? UNKNOWN : formatCount(checkpoint.step),
      ...(checkpoint && { note: 'step' }),
    },
  ];
}

/** What is wrong now, one line each; nothing if all is well. */
export function troubles(status: RunStatus | undefined): string {
  if (status === undefined) return '';
  const { mixedEngines, checkpointFailure, stragglers, outliers } = status;
  const failed = checkpointFailure === '' ? '' : `the last checkpoint failed: ${checkpointFailure}`;
  return [failed, mixedEngines, stragglers, outliers].filter((line) => line !== '').join('\n');
}

/** One sentence on the state of the run. */
export function leadOf(view: HistoryView, status: RunStatus | undefined): string {
  const { run, end } = view;
  if (run === undefined) return 'The run has not begun yet.';
  const state =
    end !== undefined ? `has ${endText(end)}` : status === undefined ? 'as the ledger has it' : status.phase;
  return `${run.dataset}, seed ${run.seed}, begun ${formatTime(run.at)}; ${state}`;
}

/** Names and values of what the run is. */
export function factsOf(view: HistoryView): readonly (readonly [string, string])[] {
  const { run } = view;
  if (run === undefined) return [];
  return [
    ['run', run.run],
    ['dataset', run.dataset],
    ['samples for training', formatCount(run.trainSamples)],
    ['samples of a step', formatCount(run.globalBatch)],
    ['steps of an epoch', formatCount(view.stepsPerEpoch)],
    ['epochs', formatCount(view.epochs)],
    ['seed', String(run.seed)],
    ['begun', formatTime(run.at)],
    ['training time', formatDuration(view.trainSeconds)],
    ['checkpoints', formatCount(view.events.filter(({ kind }) => kind === 'checkpoint').length)],
    ['computed again', `${counted(view.replays.steps, 'step')}, ${formatDuration(view.replays.seconds)}`],
  ];
}

export function totalSteps({ stepsPerEpoch, epochs }: HistoryView): number {
  return stepsPerEpoch * epochs;
}

function epochOf({ stepsPerEpoch, lastStep, epochs }: HistoryView): string {
  if (stepsPerEpoch === 0) return UNKNOWN;
  return formatCount(Math.min(Math.floor(Math.max(lastStep - 1, 0) / stepsPerEpoch) + 1, epochs));
}
