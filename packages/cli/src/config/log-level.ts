import { suggestion, TrainingError } from '@facet/shared';
import { LOG_LEVELS, type LogLevel } from '@facet/telemetry';
import type { Environment } from '../context.js';

const VARIABLE = 'FACET_LOG_LEVEL';

/**
 * What coordinator and workers log, from the environment, which their children inherit.
 *
 * @throws TrainingError CONFIG_INVALID
 */
export function logLevel(env: Environment): LogLevel {
  const given = env[VARIABLE];
  if (given === undefined || given === '') return 'info';
  const level = LOG_LEVELS.find((known) => known === given);
  if (level !== undefined) return level;
  throw new TrainingError(
    'CONFIG_INVALID',
    `${VARIABLE}: '${given}', expected one of ${LOG_LEVELS.join(', ')}${suggestion(given, LOG_LEVELS)}`,
  );
}
