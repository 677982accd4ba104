/**
 * The page of one run. It hears the items of the run's history and builds the same history from them as everybody else does;
 * what it shows is made from that, a few times per second at most.
 */
import { RunHistory, type HistoryView } from '../../../shared/src/history/run-history.js';
import { Chart } from './chart.js';
import { follow, type ConnectionState } from './connection.js';
import { byId, descriptions, element, setText, table } from './dom.js';
import { eventWords } from './event-words.js';
import { factsOf, figureElements, leadOf, totalSteps, troubles } from './figures.js';
import { counted, formatCount, formatTime } from './format.js';
import { otherRuns } from './other-runs.js';
import type { RunStatus } from './run-status.js';
import { chartsOf } from './series.js';
import { followTheme } from './theme.js';
import { timeline } from './timeline.js';
import { Trends, workersTable } from './workers.js';
import { Zoom } from './zoom.js';

const DRAW_MS = 400;
const FIRST_EVENTS = 20;

class RunPage {
  #history = new RunHistory();
  #status: RunStatus | undefined;
  #connection: ConnectionState = 'connecting';
  #others: ReadonlyMap<string, HistoryView> = new Map();
  readonly #trends = new Trends();
  readonly #zoom = new Zoom();
  readonly #charts = new Map<string, Chart>();
  #isAllShown = false;
  #eventsShown = '';
  #waiting = 0;
  #drawnMs = -DRAW_MS;

  start(): void {
    followTheme(() => {
      this.#draw();
    });
    this.#zoom.onChange(() => {
      this.#later();
    });
    for (const id of ['log', 'smoothing']) {
      byId(id).addEventListener('input', () => {
        this.#draw();
      });
    }
    byId('controls').addEventListener('submit', (event) => {
      event.preventDefault();
    });
    byId('all-events').addEventListener('click', () => {
      this.#isAllShown = true;
      this.#draw();
    });
    document.addEventListener('visibilitychange', () => {
      this.#later();
    });
    addEventListener('resize', () => {
      this.#later();
    });
    follow('./events', {
      onSnapshot: (state) => {
        this.#history = RunHistory.from(state);
        this.#later();
      },
      onItem: (item) => {
        this.#history.add(item);
        this.#later();
      },
      onStatus: (status) => {
        this.#status = status;
        this.#trends.add(status);
        this.#later();
      },
      onState: (state) => {
        if (state === this.#connection) return;
        this.#connection = state;
        // What a coordinator said that is gone is not so any more.
        if (state === 'reconnecting') this.#status = undefined;
        this.#later();
      },
    });
    void otherRuns(byId('others'), (others) => {
      this.#others = others;
      this.#draw();
    });
  }

  /** Draws soon; what comes meanwhile is drawn with it. A page that nobody sees draws nothing. */
  #later(): void {
    if (this.#waiting !== 0 || document.visibilityState === 'hidden') return;
    const waitMs = Math.max(0, this.#drawnMs + DRAW_MS - performance.now());
    this.#waiting = setTimeout(() => {
      this.#draw();
    }, waitMs);
  }

  #draw(): void {
    clearTimeout(this.#waiting);
    this.#waiting = 0;
    this.#drawnMs = performance.now();
    const view = this.#history.view();
    this.#drawHead(view);
    this.#drawCharts(view);
    const { note, table: workers } = workersTable(this.#status, view, this.#trends);
    setText(byId('workers-note'), note);
    byId('workers').replaceChildren(...(workers === undefined ? [] : [workers]));
    const place = byId('timeline');
    place.replaceChildren(timeline(view, this.#zoom, place.clientWidth));
    this.#drawEvents(view);
    byId('facts').replaceChildren(...descriptions(factsOf(view)));
  }

  #drawHead(view: HistoryView): void {
    const name = view.run?.run ?? 'Facet';
    setText(byId('run'), name);
    const total = totalSteps(view);
    const share = total === 0 ? 0 : Math.min(view.lastStep / total, 1);
    document.title = view.run === undefined ? 'Facet' : `${Math.floor(100 * share)} % ${name} – Facet`;
    setText(byId('lead'), leadOf(view, this.#status));
    const badge = byId('connection');
    const isOver = view.end !== undefined && this.#connection !== 'connecting';
    badge.dataset['state'] = isOver ? 'over' : this.#connection;
    setText(badge, isOver ? `the run has ended: ${view.end}` : connectionText(this.#connection));
    const bar = byId('progress');
    bar.hidden = total === 0;
    bar.setAttribute('aria-valuenow', String(Math.round(100 * share)));
    bar.querySelector('span')!.style.width = `${100 * share}%`;
    const trouble = troubles(this.#status);
    byId('trouble').hidden = trouble === '';
    setText(byId('trouble'), trouble);
    byId('figures').replaceChildren(...figureElements(view, this.#status));
  }

  #drawCharts(view: HistoryView): void {
    const smoothing = Number(byId<HTMLInputElement>('smoothing').value);
    const isLog = byId<HTMLInputElement>('log').checked;
    const charts = chartsOf(view, { smoothing, others: this.#others });
    for (const [key, chart] of this.#charts) {
      if (charts.some((data) => data.key === key)) continue;
      chart.remove();
      this.#charts.delete(key);
    }
    for (const data of charts) {
      let chart = this.#charts.get(data.key);
      if (chart === undefined) {
        chart = new Chart(data.key, this.#zoom);
        this.#charts.set(data.key, chart);
        byId('grid').append(chart.element);
      }
      chart.show(data, isLog);
    }
    const grid = byId('grid');
    if (charts.length === 0 && grid.childElementCount === 0) {
      grid.append(element('p', { class: 'note', id: 'nothing' }, ['There are no steps yet.']));
    } else if (charts.length > 0) {
      document.getElementById('nothing')?.remove();
    }
  }

  /** The table stands still while nothing happens, so that it can be read and marked. */
  #drawEvents({ events, eventsLeftOut }: HistoryView): void {
    const key = `${events.length} ${eventsLeftOut} ${events.at(-1)?.at} ${this.#isAllShown}`;
    if (key === this.#eventsShown) return;
    this.#eventsShown = key;
    const shown = events.toReversed().slice(0, this.#isAllShown ? events.length : FIRST_EVENTS);
    const rows = shown.map((event) => {
      const { what, detail, isBad } = eventWords(event);
      return [
        formatTime(event.at),
        formatCount(event.step),
        isBad ? element('span', { class: 'bad' }, [what]) : what,
        detail,
      ];
    });
    const columns = [
      { title: 'time', look: 'short' },
      { title: 'step', look: 'number' },
      { title: 'what', look: 'short' },
      { title: 'detail', look: 'long' },
    ] as const;
    byId('events').replaceChildren(table('What happened, the newest first', columns, rows));
    const button = byId('all-events');
    button.hidden = shown.length === events.length;
    const leftOut = eventsLeftOut === 0 ? '' : ` (${formatCount(eventsLeftOut)} more are in the ledger)`;
    setText(button, `Show all ${counted(events.length, 'event')}${leftOut}`);
  }
}

function connectionText(state: ConnectionState): string {
  return state === 'reconnecting' ? 'reconnecting: the coordinator does not answer' : state;
}

new RunPage().start();
