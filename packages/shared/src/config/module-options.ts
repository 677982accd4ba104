/** Options of a task in a module. The task judges them itself; here its words become problems as those of all other keys are. */
import { suggestion } from './closest-name.js';
import { isMapping, valueAt, type Mapping } from './layers.js';
import { unknownAt, wrongAt, type JudgedConfig } from './schema-problems.js';

/** What a task has against its options at one place. */
export interface ModuleOptionIssue {
  /** Below `task.options`; empty where it is about all of them. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Names at the path that the task does not know. */
  readonly unknown?: readonly string[];
}

export interface ModuleOptions {
  readonly optionNames: readonly string[];
  readonly optionIssues: (options: Mapping) => readonly ModuleOptionIssue[];
}

/** One sentence each: the key, its value, where that came from, and what the task says. */
export function moduleOptionProblems({ optionNames, optionIssues }: ModuleOptions, judged: JudgedConfig): string[] {
  const place = ['task', 'options'];
  const options = valueAt(judged.merged, place) ?? {};
  if (!isMapping(options)) return [];
  const problems = optionIssues(options).flatMap(({ path, message, unknown }) => {
    const at = [...place, ...path];
    if (unknown === undefined) return [`${wrongAt(at, judged)}: ${message}`];
    const names = path.length === 0 ? optionNames : [];
    return unknown.map((name) => `${unknownAt([...at, name], judged)}${adviceFor(name, names)}`);
  });
  return [...new Set(problems)];
}

function adviceFor(name: string, names: readonly string[]): string {
  const advice = suggestion(name, names);
  if (advice !== '' || names.length === 0) return advice.replace('mean ', 'mean task.options.');
  return `; expected one of ${names.join(', ')}`;
}
