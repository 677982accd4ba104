/**
 * What is said about runs and trained models without computing anything: trained weights with their configuration, studies,
 * predictions of the all-reduce, and numbers in words. Importing it loads no TensorFlow.js.
 */
export { type Account, accountOf } from './account/account.js';
export { type AccountLine, accountLines } from './account/account-words.js';
export type { AccountFacts, ProcessEnd, StatedError, TraceLine } from './account/account-facts.js';
export { bestOf, compareRuns, type Comparison, type RunFacts } from './comparison/compare-runs.js';
export { differenceCells, differencesText, RUN_COLUMNS, runCells } from './comparison/comparison-words.js';
export { VERDICT_WORDS, describeMethod, formatEps, summariseChecks } from './robustness/robustness-words.js';
export { type SimulationDocument, type WorldOptions, predictWorlds } from './simulation/predict-worlds.js';
export { describeCluster, groupsOf, limitOf } from './simulation/world-words.js';
export { type AblationReport, type ArmReport, ablationReport } from './study/ablation-report.js';
export { type LoadTrial, type PlannedStudy, type StudyWish, planStudy } from './study/plan-study.js';
export { type StudyEnd, type StudyWork, runStudy, sortTrials } from './study/run-study.js';
export { DEFAULT_BASELINE, DEFAULT_SEEDS } from './study/study-defaults.js';
export { type StudyReportFiles, type TrialResult } from './study/study-folder.js';
export { type Trial } from './study/study-plan.js';
export { NAMED_TASKS } from './tasks/named-tasks.js';
export { accuracyText, conclusion, differenceText, pText, studyText, survivors } from './study/study-words.js';
export { type ReportMaker, originOf } from './trained/report-origin.js';
export { configOf, storedConfigOf } from './trained/stored-config.js';
export { storedModelOf } from './trained/stored-model.js';
export { comparedModel, modelFor, modelOf } from './trained/trained-model.js';
export { counted } from './words/counted.js';
export {
  formatAccuracy,
  formatBar,
  formatBytes,
  formatCount,
  formatFigure,
  formatLoss,
  formatMacs,
  formatMilliseconds,
  formatPercent,
  formatSeconds,
} from './words/format.js';
export { cellNote, intervalOf, intervalText, meanNote } from './words/interval.js';
