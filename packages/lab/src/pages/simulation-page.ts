/** The page of `facet simulate`: the predicted time of an all-reduce over the number of ranks, and what limits it. */
import type { SimulatedWorld, SimulationDocument } from '../simulation/predict-worlds.js';
import { describeCluster, groupsOf, limitOf } from '../simulation/world-words.js';
import { formatBytes, formatCount, formatMilliseconds } from '../words/format.js';
import { aboutSection, makerFacts } from './about-section.js';
import { dataTable } from './kit/data-table.js';
import { html, type Html } from './kit/html.js';
import { lineChart, type LineSeries } from './kit/line-chart.js';
import { pageHtml } from './kit/page.js';

/** The whole page as text. */
export function simulationPage(document: SimulationDocument): string {
  const { made, bytes, cluster, worlds } = document;
  return pageHtml({
    title: `All-reduce of ${formatBytes(bytes)}`,
    lead: `Predicted, with ${describeCluster(cluster)}.`,
    sections: [
      { title: 'Time', intro: 'Both axes are logarithmic.', content: timeChart(worlds) },
      { title: 'Every world', content: worldTable(worlds) },
      {
        title: 'What this is',
        content: html`<p>
          A cost model of cores, links and hops over the schedule that the ranks follow, fitted to two ranks on one
          machine. It knows nothing of stragglers, of switches that many hosts share, or of what else the cores do.
        </p>`,
      },
      aboutSection([
        ...makerFacts(made),
        ['Gradient', `${formatBytes(bytes)}, 4 bytes per parameter`],
        ['Cluster', describeCluster(cluster)],
      ]),
    ],
  });
}

function timeChart(worlds: readonly SimulatedWorld[]): Html {
  const series = (name: string, secondsOf: (world: SimulatedWorld) => number | undefined): LineSeries => ({
    name,
    points: worlds.map((world) => ({ x: world.ranks, y: (secondsOf(world) ?? Number.NaN) * 1000 })),
  });
  return lineChart({
    description: 'Predicted milliseconds of an all-reduce over the number of ranks, direct and in groups.',
    x: { label: 'ranks', kind: 'log2' },
    y: { label: 'milliseconds', kind: 'log10' },
    series: [
      series('direct', ({ direct }) => direct.seconds),
      ...(worlds.some(({ byHost }) => byHost !== undefined)
        ? [series("groups of a host's ranks", ({ byHost }) => byHost?.seconds)]
        : []),
      series('fastest groups', ({ best }) => best.seconds),
    ],
  });
}

function worldTable(worlds: readonly SimulatedWorld[]): Html {
  return dataTable({
    caption: 'Messages and bytes are those of one rank and one step, in the fastest groups.',
    header: [
      'ranks',
      'direct',
      "groups of a host's",
      'fastest',
      'in groups of',
      'limited by',
      'peers',
      'messages',
      'sent',
      'to other hosts',
    ],
    numbers: [0, 1, 2, 3, 4, 6, 7, 8, 9],
    rows: worlds.map(({ ranks, direct, byHost, best }) => [
      formatCount(ranks),
      formatMilliseconds(direct.seconds),
      byHost === undefined ? '' : formatMilliseconds(byHost.seconds),
      formatMilliseconds(best.seconds),
      groupsOf(ranks, best),
      limitOf(best),
      formatCount(best.peers),
      formatCount(best.messages),
      formatBytes(Math.round(best.bytesSent)),
      formatBytes(Math.round(best.bytesToOtherHosts)),
    ]),
  });
}
