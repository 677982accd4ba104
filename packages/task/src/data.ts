/**
 * The data of a run, tasks as modules, and the learning rate of a step. It stands apart from the other entry because it does
 * not load TensorFlow.js: the coordinator and most commands need no more than this.
 */
export { openRunData, type RunData } from './modules/run-data.js';
export { loadTask } from './modules/load-task.js';
export { optionNames, readOptions, type OptionIssue } from './define/task-options.js';
export { learningRate } from './optimizer/learning-rate.js';
