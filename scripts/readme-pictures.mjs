// `node scripts/readme-pictures.mjs [flags of facet up]`: makes docs/images/report.png from an evaluation of a committed
// model, and docs/images/run.png from a short training in a terminal, both with the command as it is now. Needs chromium and
// tmux (apt-get install chromium tmux); the pictures are looked at by a person before they are committed.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ensureBroker, prepareBuild } from './lib/bootstrap.mjs';
import { CLI_MAIN, ROOT } from './lib/repository.mjs';
import { ScriptError, runScript, say } from './lib/say.mjs';
import { terminalPage } from './lib/terminal-page.mjs';

const MODEL = path.join(ROOT, 'models', 'mnist-fast');
const IMAGES = path.join(ROOT, 'docs', 'images');
/** What a README may weigh. */
const MOST_BYTES = { 'report.png': 200_000, 'run.png': 150_000 };
const SHORT_RUN = ['--set', 'samples.train=12000', '--epochs', '2', '--run', 'demo'];
/** Half of the picture of the report. */
const PANEL = { width: 600, height: 1000, scale: 0.62 };
const COLUMNS = 120;
const ROWS = 40;
const RUN_MINUTES = 10;

await runScript(async () => {
  await prepareBuild();
  const broker = await ensureBroker();
  const folder = mkdtempSync(path.join(tmpdir(), 'facet-pictures-'));
  try {
    mkdirSync(IMAGES, { recursive: true });
    // As in a checkout, so that the command names itself as the README does: npx facet.
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
    const facet = [process.execPath, path.join(ROOT, CLI_MAIN)];
    const report = path.join(folder, 'report.html');
    run(...facet, 'evaluate', MODEL, '--report', report);
    const spread = path.join(folder, 'spread.html');
    writeFileSync(spread, spreadPage(readFileSync(report, 'utf8')));
    photograph(spread, 'report.png', { width: 2 * PANEL.width, height: PANEL.height });
    const flags = process.argv.length > 2 ? process.argv.slice(2) : SHORT_RUN;
    const screen = path.join(folder, 'run.html');
    const screens = await filmRun({ folder, facet, broker, flags: ['up', '--dataset', 'mnist', ...flags] });
    const { page, ...size } = terminalPage(screens);
    writeFileSync(screen, page);
    photograph(screen, 'run.png', size);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Trains in a terminal of its own; returns its screen in the middle of the run and at its end, with escape sequences. */
async function filmRun({ folder, facet, broker, flags }) {
  const tmux = (...args) => run('tmux', '-L', path.basename(folder), ...args);
  const command = `printf '$ npx facet ${flags.join(' ')}\\n'; exec ${[...facet, ...flags].join(' ')}`;
  const environment = ['-e', `NATS_SERVER_BIN=${broker}`, '-e', 'FACET_RUNS=runs', '-e', 'CI='];
  tmux('-f', '/dev/null', 'new-session', '-d', '-x', COLUMNS, '-y', ROWS, '-c', folder, ...environment, 'sh');
  try {
    tmux('set-option', '-g', 'remain-on-exit', 'on');
    tmux('respawn-pane', '-k', '-c', folder, ...environment, command);
    let middle = '';
    for (let second = 0; second < 60 * RUN_MINUTES; second++) {
      await wait(1_000);
      const screen = tmux('capture-pane', '-e', '-p')
        .replaceAll(folder, '~')
        .replace(/\n.*Pane is dead.*/, '');
      if (/ [4-6]\d\.\d %  step/.test(screen)) middle = screen;
      if (tmux('display-message', '-p', '#{pane_dead}').trim() === '0') continue;
      const end = screen.slice(screen.search(/^run .* finished$/m));
      if (end === '' || middle === '') throw new ScriptError(`there is no picture of a whole run in:\n${screen}`);
      return [middle, end];
    }
    throw new ScriptError(`the run took more than ${RUN_MINUTES} minutes; train on fewer images`);
  } finally {
    tmux('kill-server');
  }
}

/** The report twice, side by side and smaller: from its top, and from its worst mistakes on. */
function spreadPage(report) {
  const mistakes = /<section id="([^"]*)">\s*<h2>Worst mistakes/.exec(report)?.[1];
  if (mistakes === undefined) throw new ScriptError('the report has no section "Worst mistakes"');
  const { width, height, scale } = PANEL;
  const panels = ['', `#${mistakes}`].map((place) => `<div><iframe src="report.html${place}"></iframe></div>`);
  return `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0; display: flex; }
    div { width: ${width}px; height: ${height}px; overflow: hidden; }
    iframe { width: ${width / scale}px; height: ${height / scale}px; border: 0; transform: scale(${scale}); transform-origin: 0 0; }
  </style>${panels.join('')}`;
}

/** Takes a picture of the top of a page. */
function photograph(page, name, { width, height }) {
  const file = path.join(IMAGES, name);
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--virtual-time-budget=2000'];
  run('chromium', ...flags, `--window-size=${width},${height}`, `--screenshot=${file}`, `file://${page}`);
  const { size } = statSync(file);
  if (size > MOST_BYTES[name]) throw new ScriptError(`${file} has ${size} bytes, expected at most ${MOST_BYTES[name]}`);
  say(`${file}: ${width} x ${height}, ${Math.round(size / 1000)} kB`);
}

function run(command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args.map(String), { encoding: 'utf8', cwd: ROOT });
  if (error) throw new ScriptError(`${command} cannot be started (${error.message}); install it`);
  if (status !== 0) throw new ScriptError(`${command} ${args.join(' ')} exited with ${status}: ${stderr || stdout}`);
  return stdout;
}
