/**
 * What `facet certs issue` is asked for, checked as a whole before anything is signed.
 */
import { isIP } from 'node:net';
import { isGrantName, isRole, ROLES, type RoleGrant } from '@facet/security';
import { suggestion, TrainingError } from '@facet/shared';

const DNS_NAME =
  /^(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const MOST_DNS_CHARACTERS = 253;
const MOST_DAYS = 3_650;
/** Roles that others connect to. */
const LISTENERS: readonly string[] = ['coordinator', 'worker', 'broker'];

export interface CertificateOrder {
  readonly grants: readonly RoleGrant[];
  readonly hosts: readonly string[];
  readonly days: number;
}

export interface OrderText {
  readonly roles: readonly string[];
  /** Binds a worker's certificate to one worker. */
  readonly name?: string | undefined;
  readonly hosts: readonly string[];
  readonly days: string;
}

/** @throws TrainingError CONFIG_INVALID with every option that is wrong. */
export function readOrder({ roles, name, hosts, days }: OrderText): CertificateOrder {
  const problems: string[] = [];
  const grants = roles.flatMap((role): RoleGrant[] => {
    if (!isRole(role)) {
      problems.push(`--role: '${role}', expected one of ${ROLES.join(', ')}${suggestion(role, ROLES)}`);
      return [];
    }
    return [role === 'worker' && name !== undefined ? { role, name } : { role }];
  });
  if (name !== undefined && !isGrantName(name)) {
    problems.push(`--name: '${name}', expected up to 64 letters, digits, - and _`);
  }
  if (name !== undefined && !roles.includes('worker')) problems.push('--name: only a worker has one');
  for (const host of hosts) {
    if (isIP(host) !== 0 || (DNS_NAME.test(host) && host.length <= MOST_DNS_CHARACTERS)) continue;
    problems.push(`--host: '${host}', expected a name such as train-0.example or *.example, or an IP address`);
  }
  if (hosts.length === 0 && roles.some((role) => LISTENERS.includes(role))) {
    problems.push('--host: missing, expected every name and address at which others reach this process');
  }
  const read = readDays(days);
  if (read === undefined) problems.push(`--days: '${days}', expected a whole number from 1 to ${MOST_DAYS}`);
  if (problems.length > 0) throw new TrainingError('CONFIG_INVALID', problems.join('\n'));
  return { grants, hosts, days: read! };
}

/** Days of a certificate; undefined for a text that is no number of days. */
export function readDays(text: string): number | undefined {
  const days = Number(text);
  return /^\d+$/.test(text) && days >= 1 && days <= MOST_DAYS ? days : undefined;
}
