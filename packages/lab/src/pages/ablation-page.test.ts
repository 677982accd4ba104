import { describe, expect, it } from 'vitest';
import { ARM_NAMES, type ArmName } from '@facet/multiview/config';
import { STUDY_MAKER, studyCosts, studyPlan, studyResults } from '../../test/made-up-study.js';
import { ablationReport, type AblationReport } from '../study/ablation-report.js';
import { survivors } from '../study/study-words.js';
import { ablationPage } from './ablation-page.js';
import { html } from './kit/html.js';

/** Every arm on these seeds, each arm a little better than the one before. */
function reportOf(seeds: readonly number[], arms: readonly ArmName[] = ARM_NAMES): AblationReport {
  const plan = studyPlan(arms, seeds);
  const accuracies = Object.fromEntries(
    arms.map((name, place) => [name, seeds.map((seed) => 0.8 + place / 500 + ((seed * (place + 3)) % 7) / 2000)]),
  );
  return ablationReport({ made: STUDY_MAKER, plan, results: studyResults(plan, accuracies), costs: studyCosts(plan) });
}

const count = (page: string, text: string): number => page.split(text).length - 1;

describe("a study's page", () => {
  const report = reportOf([1, 2, 3]);
  const page = ablationPage(report);

  it('has every arm with what it is and which keys it sets', () => {
    for (const { name, about } of report.arms) {
      expect(page).toContain(`<th scope="row" class="text">${name}`);
      expect(page).toContain(about);
    }
    expect(page).toContain('model.injection=none model.views=[identity]');
    expect(page).toContain('weights-normalised (= views-3)');
  });

  it('draws an interval for every arm of its own but the baseline', () => {
    // Each chart is drawn for wide and for narrow windows.
    expect(count(page, 'class="whisker"')).toBe(2 * (ARM_NAMES.length - 2));
  });

  it('draws no more curves in one chart than can be told apart, and the baseline in each', () => {
    const charts = [...page.matchAll(/class="wide"[^>]* aria-label="Accuracy after each epoch of ([^"]*)"/g)].map(
      ([, names]) => names!.split(', '),
    );
    expect(charts).toHaveLength(3);
    for (const names of charts) expect(names[0]).toBe('no-injection');
    expect(Math.max(...charts.map(({ length }) => length))).toBe(6);
    expect(new Set(charts.flat()).size).toBe(ARM_NAMES.length - 1);
  });

  it('says how to run the study again, to go on with it and to extend it', () => {
    expect(page).toContain(`<code>npx ${report.command}</code>`);
    expect(page).toContain('<code>npx facet ablate --study made-up</code>');
    expect(page).toContain('<code>npx facet ablate --study made-up --seeds 4-8</code>');
  });

  it('says what survives the correction for many arms, and marks nothing else', () => {
    const said = report.arms.filter(({ sameAs, difference }) => sameAs === undefined && difference !== undefined);
    const shown = said.filter(({ difference }) => difference!.holmP! < 0.05);
    expect(page).toContain(html`${survivors(report)[0]!.replace('after', 'After')}`.markup);
    expect(count(page, '<span class="good">gains</span>') + count(page, '<span class="bad">loses</span>')).toBe(
      report.arms.filter(({ difference }) => difference !== undefined && difference.holmP! < 0.05).length,
    );
    expect(shown.length).toBeLessThan(said.length);
  });

  it('has whole epochs on its axis', () => {
    const chart = /class="wide"[^>]* aria-label="Accuracy after each epoch of[^]*?<\/svg>/.exec(page)![0];
    const across = [...chart.matchAll(/text-anchor="middle">\s*([\d.]+)\s*</g)].map(([, tick]) => tick);
    expect(across).toEqual(['1', '2']);
  });

  it('is traced back to when, by what and to which weights', () => {
    for (const text of ['2026-11-29 01:20 UTC', 'Facet 0.1.0+test', 'mnist-fast', `<code>${'a'.repeat(12)}</code>`]) {
      expect(page).toContain(text);
    }
  });

  it('is drawn for a study that has one seed, one arm or nothing yet', () => {
    expect(ablationPage(reportOf([1]))).toContain('so there is no interval yet');
    expect(ablationPage(reportOf([1, 2], ['no-injection']))).toContain('can be compared with a control yet');
    const plan = studyPlan(['no-injection', 'cross'], [1, 2]);
    const empty = ablationPage(ablationReport({ made: STUDY_MAKER, plan, results: [], costs: studyCosts(plan) }));
    expect(empty).not.toMatch(/NaN|undefined|Infinity/);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });
});
