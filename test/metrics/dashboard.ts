/** The Grafana dashboard as tests read it: its panels, and its queries with Grafana's variables replaced. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { DEPLOY } from './repository.js';

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly targets?: readonly {
    readonly expr: string;
    readonly legendFormat: string;
    readonly datasource: { readonly uid: string };
  }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
}

export interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(path.join(DEPLOY, 'grafana/dashboards/facet.json'), 'utf8')) as Dashboard;
}

/** Every query, as `panel: expression`, with what Grafana would put in for its variables. */
export function dashboardQueries(
  variables: Readonly<Record<string, string>>,
): readonly { readonly panel: string; readonly expression: string }[] {
  return readDashboard().panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ panel: title, expression: substitute(expr, variables) })),
  );
}

function substitute(expression: string, variables: Readonly<Record<string, string>>): string {
  return expression.replaceAll(/\$(\w+)/g, (whole, name: string) => {
    const value = variables[name];
    if (value === undefined) throw new Error(`${whole} in ${expression} has no value`);
    return value;
  });
}
