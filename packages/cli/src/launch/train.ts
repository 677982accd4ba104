/**
 * A launch as a person sees it: progress while it runs, the result at the end, and how to go on. Shared by `up` and
 * `resume`. stdout belongs to the result alone when it is JSON.
 */
import path from 'node:path';
import type { RunConfig } from '@facet/shared';
import { isMultiView, requireMultiView } from '@facet/multiview/config';
import { printJson, printLine, type CliContext } from '../context.js';
import { formatPercent } from '@facet/lab/data';
import { openInBrowser } from '../display/open-in-browser.js';
import { openProgressDisplay } from '../display/progress-display.js';
import { summaryLines } from '../display/summary.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { claimRunFolder, holdsRun } from '../runs/run-folders.js';
import { identityIn } from '../runs/running-runs.js';
import { isSuccess, resultJson } from '../runs/run-result.js';
import { describeEnd } from './child-process.js';
import { launchOrRemove } from './launch-or-remove.js';
import { listenForStop } from './stop-signals.js';
import type { LaunchEnd, LaunchPlan } from './training-launch.js';
import { restartNote, type WorkerDeath } from './worker-crew.js';

export interface TrainOptions {
  readonly context: CliContext;
  readonly isJson: boolean;
  /** Whether the live page is opened in a browser. */
  readonly opensPage?: boolean | undefined;
}

/** Trains and shows it; returns the exit code. */
export async function train(plan: LaunchPlan, { context, isJson, opensPage }: TrainOptions): Promise<ExitCode> {
  const out = isJson ? context.stderr : context.stdout;
  const { run } = plan.config;
  using signals = listenForStop(context);
  if (plan.mode === 'new') await claimRunFolder(plan.paths);
  let end: LaunchEnd;
  let isOpen = opensPage !== true;
  {
    using display = openProgressDisplay(out, context.env);
    display.note(`run ${run} in ${plan.paths.folder}`);
    const attacks = attackNote(plan.config);
    if (attacks !== undefined) display.note(attacks);
    end = await launchOrRemove(plan, signals, {
      onCoordinator: (coordinator) => {
        const { address, httpUrl } = coordinator;
        display.note(`coordinator at ${address}, metrics at ${httpUrl}/metrics`);
        display.note(`live page: ${httpUrl}/`);
        if (!isOpen) openInBrowser(`${httpUrl}/`, context);
        isOpen = true;
        display.follow({ address, tls: identityIn(coordinator) });
      },
      onCoordinatorDied: ({ pid, logFile }, how) => {
        display.note(`coordinator (pid ${pid}) died: ${describeEnd(how)}; the standby takes over; log: ${logFile}`);
      },
      onWorkerDied: (death) => {
        display.note(deathNote(death));
      },
      onHost: (note) => {
        display.note(note);
      },
      onStopping: () => {
        display.note('stopping with a checkpoint; press Ctrl-C again to stop at once');
      },
    });
  }
  return report(end, plan, { context, isJson, interrupted: signals.isTermination ? EXIT.again : EXIT.interrupted });
}

/** What the attacks cost, since images/s counts trained samples; undefined when the run makes none. */
function attackNote(config: RunConfig): string | undefined {
  if (!isMultiView(config)) return undefined;
  const { norm, eps, steps, share } = requireMultiView(config, 'the note').task.options.adversarial;
  if (eps === 0) return undefined;
  const samples = share === 1 ? 'every sample' : `${formatPercent(share)} of the samples`;
  const ball = `${norm} ${Number(eps.toPrecision(3))}`;
  return `training on attacked samples: PGD within ${ball} takes ${steps} more gradients for ${samples}`;
}

function deathNote({ worker, how, living, restart }: WorkerDeath): string {
  const rest = living === 0 ? 'none is left' : `training goes on with ${living}`;
  return `${worker.name} (pid ${worker.pid}) died: ${how}; ${rest}; ${restartNote(restart)}; log: ${worker.logFile}`;
}

function report(
  { result, isInterrupted, restarts }: LaunchEnd,
  plan: LaunchPlan,
  { context, isJson, interrupted }: TrainOptions & { readonly interrupted: ExitCode },
): ExitCode {
  const { run } = plan.config;
  if (result !== undefined) {
    if (isJson) printJson(context.stdout, { ...resultJson(result), restarts });
    else for (const line of summaryLines(result, restarts)) printLine(context.stdout, line);
    if (isSuccess(result)) return EXIT.ok;
  } else if (isJson) {
    printJson(context.stdout, { error: { code: 'CANCELLED', message: `run ${run} was stopped` } });
  }
  // By a signal to this process, or by an order or a signal to its coordinator.
  if (isInterrupted || result?.outcome === 'stopped') {
    printLine(context.stderr, interruption(plan, result?.checkpoint));
    return interrupted;
  }
  printLine(context.stderr, `error: run ${run} ${result?.outcome}${result?.message ? `: ${result.message}` : ''}`);
  return EXIT.failed;
}

function interruption({ config: { run }, paths }: LaunchPlan, checkpoint: string | undefined): string {
  if (!holdsRun(paths.folder)) return 'stopped before the run began: nothing was kept';
  const from = checkpoint === undefined ? 'without a checkpoint of its own' : `checkpoint ${shortPath(checkpoint)}`;
  return `stopped, ${from}; go on with \`facet resume ${run}\``;
}

/** Relative where that is the shorter way to say it. */
function shortPath(file: string): string {
  const relative = path.relative('', file);
  return relative.startsWith('..') ? file : relative;
}
