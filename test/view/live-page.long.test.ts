/** The live page in a real browser, with a real run behind it. */
import path from 'node:path';
import { readRunHistory, type HistoryView } from '@facet/shared';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatFigure } from '../../packages/view/src/page/format.js';
import { openWorkspace, processesWith, until, whereabouts, type Workspace } from '../testkit/facet.js';
import { up } from '../testkit/small-run.js';
import { barriers, noBrowser, openBrowser, rowsOf } from './browser.js';
import { wireTo } from './wire.js';

const WAIT_MS = 60_000;

let workspace: Workspace;
let browser: Browser;

describe.skipIf(noBrowser !== undefined)(
  `the live page${noBrowser === undefined ? '' : ` (skipped: ${noBrowser})`}`,
  () => {
    beforeAll(async () => {
      workspace = await openWorkspace();
      browser = await openBrowser();
    });

    afterAll(async () => {
      await browser.close();
      // First what a test that failed has left: its run would go on for hours.
      await workspace[Symbol.asyncDispose]();
      await until('no process is left', async () => (await processesWith(workspace.folder)).length === 0);
    });

    it('shows a run, a killed worker, and all that it missed', { timeout: 480_000 }, async () => {
      // Ends when it is told to.
      const running = workspace.start(up('shown', 2, '--epochs', '500', '--max-restarts', '1'));
      const { httpUrl } = await whereabouts(workspace, 'shown', running);
      await using wire = await wireTo(httpUrl);
      const { page, faults } = await open(`${wire.url}/`);
      await page.waitForSelector('#chart-loss canvas', { timeout: WAIT_MS });
      await page.waitForSelector('#chart-gradient-norm canvas', { timeout: WAIT_MS });
      expect(await page.locator('#connection').innerText()).toBe('live');
      await until('both workers are shown', async () => (await rowsOf(page, '#workers')).length === 2, WAIT_MS);

      for (const theme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: theme });
        await page.waitForSelector(`:root[data-shown=${theme}]`);
        expect(await barriers(page)).toEqual([]);
      }

      const { workers } = (await (await fetch(`${httpUrl}/status`)).json()) as { workers: { pid: number }[] };
      process.kill(workers[1]!.pid, 'SIGKILL');
      await page.waitForSelector('.timeline .fault', { state: 'attached', timeout: WAIT_MS });

      wire.cut();
      await page.waitForSelector('#connection[data-state=reconnecting]', { timeout: WAIT_MS });
      const before = await shownStep(page);
      await until('the run goes on without the page', async () => (await stepOf(httpUrl)) > before + 5);
      expect(await shownStep(page)).toBe(before);
      wire.mend();
      await page.waitForSelector('#connection[data-state=live]', { timeout: WAIT_MS });

      running.child.kill('SIGINT');
      await page.waitForSelector('#connection[data-state=over]', { timeout: WAIT_MS });
      await running.done;
      const history = await readRunHistory(path.join(workspace.runs, 'shown', 'ledger.jsonl'));
      expect(await page.locator('#connection').innerText()).toBe('the run has ended: stopped');
      await expectWhole(page, history);
      expect(faults).toEqual([]);

      await shownFromFolder(history);
    });
  },
);

/** `facet view` shows the same without a coordinator. */
async function shownFromFolder(history: HistoryView): Promise<void> {
  const viewing = workspace.start(['view', 'shown', '--json']);
  let said = '';
  viewing.child.stdout!.on('data', (text: string) => (said += text));
  await until('the view says where it is', () => said.includes('\n'));
  const { url } = JSON.parse(said) as { url: string };
  const { page, faults } = await open(url);
  await page.waitForSelector('#chart-loss canvas', { timeout: WAIT_MS });
  await expectWhole(page, history);
  expect(await barriers(page)).toEqual([]);
  await page.goto(new URL('/', url).href);
  expect(await barriers(page)).toEqual([]);
  await page.getByRole('link', { name: 'shown' }).click();
  await page.waitForURL(url);
  expect(faults).toEqual([]);
  viewing.child.kill('SIGINT');
  expect((await viewing.done).code).toBe(0);
}

/** A page, and what its console says of errors: a refusal of the Content-Security-Policy is one. */
async function open(url: string): Promise<{ readonly page: Page; readonly faults: readonly string[] }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    // That nobody answers is what a cut wire looks like.
    if (message.type() === 'error' && !message.text().includes('net::ERR')) faults.push(message.text());
  });
  await page.goto(url);
  return { page, faults };
}

/** Every point of the loss and everything that happened is what the ledger has. */
async function expectWhole(page: Page, history: HistoryView): Promise<void> {
  await until('the page has the last step', async () => (await shownStep(page)) === history.lastStep, WAIT_MS);
  await page.locator('#smoothing').fill('0');
  await page.locator('#chart-loss summary').click();
  const evaluated = new Set(history.evaluations.map(({ step }) => step));
  const steps = [...new Set([...history.points.map(({ lastStep }) => lastStep), ...evaluated])].toSorted(
    (a, b) => a - b,
  );
  const every = Math.ceil(steps.length / 40);
  const expected = steps.filter((step, place) => place % every === 0 || evaluated.has(step));
  const losses = new Map(history.points.map(({ lastStep, loss }) => [lastStep, formatFigure(loss)]));
  const shown = await rowsOf(page, '#chart-loss');
  expect(shown.map(([step, loss]) => [Number(step!.replaceAll(',', '')), loss])).toEqual(
    expected.map((step) => [step, losses.get(step) ?? '']),
  );
  if (await page.locator('#all-events').isVisible()) await page.locator('#all-events').click();
  const events = (await rowsOf(page, '#events')).map(([, step, what]) => [Number(step!.replaceAll(',', '')), what]);
  expect(events).toEqual(history.events.toReversed().map(({ step, kind }) => [step, kind]));
}

async function shownStep(page: Page): Promise<number> {
  const text = await page.locator('#figures .value').first().innerText();
  return Number(text.replaceAll(',', ''));
}

async function stepOf(httpUrl: string): Promise<number> {
  return ((await (await fetch(`${httpUrl}/status`)).json()) as { step: number }).step;
}
