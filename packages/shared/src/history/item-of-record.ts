/** From the ledger's records to the items of a history. Apart from them, because a page in a browser knows no ledger. */
import type { LedgerRecord } from '../ledger/ledger-record.js';
import type { EvaluationItem, HistoryItem } from './history-item.js';

/** The item of a record. */
export function historyItem(record: LedgerRecord): HistoryItem {
  const { at } = record;
  switch (record.kind) {
    case 'run': {
      const { run, dataset, trainSamples, globalBatch, epochs, seed } = record;
      return { kind: 'run', run, dataset, trainSamples, globalBatch, epochs, seed, at };
    }
    case 'commit': {
      const {
        step,
        epoch,
        generation,
        samples,
        loss,
        correct,
        metrics,
        seconds,
        bytesExchanged,
        gradientNorm,
        partsMs,
      } = record;
      return {
        ...{ kind: 'step', step, epoch, generation, samples: samples.length, loss },
        ...(correct !== undefined && { correct }),
        ...(metrics && { metrics }),
        ...(seconds !== undefined && { seconds }),
        ...(bytesExchanged !== undefined && { bytes: bytesExchanged }),
        ...(gradientNorm !== undefined && { gradientNorm }),
        ...(partsMs && { partsMs }),
        at,
      };
    }
    case 'replay': {
      const { step, seconds } = record;
      return { kind: 'replay', step, ...(seconds !== undefined && { seconds }), at };
    }
    case 'evaluation': {
      const { step, epoch, testAccuracy, testLoss, metrics } = record;
      return evaluationItem('test', { step, epoch, accuracy: testAccuracy, loss: testLoss, metrics, at });
    }
    case 'held-out-evaluation': {
      const { step, epoch, heldOutAccuracy, heldOutLoss, metrics } = record;
      return evaluationItem('held-out', { step, epoch, accuracy: heldOutAccuracy, loss: heldOutLoss, metrics, at });
    }
    case 'resume':
      return { kind: 'resume', step: record.fromStep, at };
    case 'change': {
      const { kind, at: _at, ...change } = record;
      return { kind, step: change.afterStep, change, at };
    }
    case 'generation':
    case 'fault':
    case 'leave':
    case 'checkpoint':
    case 'end':
      return record;
    default:
      return record satisfies never;
  }
}

function evaluationItem(
  split: EvaluationItem['split'],
  facts: Pick<EvaluationItem, 'step' | 'epoch' | 'loss' | 'at'> & {
    readonly accuracy: number | undefined;
    readonly metrics: Readonly<Record<string, number>> | undefined;
  },
): EvaluationItem {
  const { step, epoch, accuracy, loss, metrics, at } = facts;
  return {
    ...{ kind: 'evaluation', step, epoch, split, loss, at },
    ...(accuracy !== undefined && { accuracy }),
    ...(metrics && { metrics }),
  };
}
