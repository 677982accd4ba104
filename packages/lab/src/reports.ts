/** Documents and pages of reports. Loads what draws charts, and no TensorFlow.js. */
export { ablationPage } from './pages/ablation-page.js';
export { comparisonPage } from './pages/comparison-page.js';
export { evaluationPage } from './pages/evaluation-page.js';
export { robustnessPage } from './pages/robustness-page.js';
export { simulationPage } from './pages/simulation-page.js';
export { taskEvaluationPage } from './pages/task-evaluation-page.js';
export { attackedPictures } from './reports/attacked-pictures.js';
export { type EvaluationReport, makeEvaluationReport } from './reports/evaluation-report.js';
export { makeTaskEvaluationReport } from './reports/task-evaluation-report.js';
