/** The figures of a run for other tools. Importing it loads no TensorFlow.js. */
export { exportFigures, FIGURE_FORMATS, type ExportedFigures, type FigureFormat } from './figures/export-figures.js';
export { followLedger, type EventFollower } from './figures/tensorboard/event-follower.js';
