/** What happened beside training, in words. */
import type { EventItem } from '../../../shared/src/history/history-item.js';
import { counted } from './format.js';

export interface EventWords {
  /** One word or two. */
  readonly what: string;
  readonly detail: string;
  readonly isBad: boolean;
}

export function eventWords(event: EventItem): EventWords {
  switch (event.kind) {
    case 'generation':
      return good(
        'generation',
        `generation ${event.generation}: ${counted(event.members.length, 'worker')} from here on`,
      );
    case 'fault':
      return { what: 'fault', detail: `${event.message} (${event.code})`, isBad: true };
    case 'leave':
      return good('leave', `worker ${event.workerId} leaves generation ${event.generation}`);
    case 'resume':
      return good('resume', `a coordinator goes on from step ${event.step}`);
    case 'checkpoint':
      return good('checkpoint', `weights ${event.weightsSha256.slice(0, 12)}…`);
    case 'change':
      return good('change', changeText(event.change));
    case 'end':
      return { what: 'end', detail: `the run has ${endText(event.reason)}`, isBad: event.reason === 'failed' };
    default:
      return event satisfies never;
  }
}

export function endText(reason: 'finished' | 'stopped' | 'failed'): string {
  return reason === 'stopped' ? 'been stopped' : reason;
}

function good(what: string, detail: string): EventWords {
  return { what, detail, isBad: false };
}

/** All members but the step, as they stand in the ledger. */
function changeText(change: Readonly<Record<string, unknown>>): string {
  return Object.entries(change)
    .filter(([name]) => name !== 'afterStep')
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('; ');
}
