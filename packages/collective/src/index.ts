/**
 * The all-reduce: its schedule (pure), the formats of a gradient on the wire, the kernels that add, and the ways between
 * workers. It knows no model, no engine and no training loop.
 */
export type { AllReduce } from './all-reduce.js';
export { openInlet } from './exchange-client.js';
export { type ExchangeServer, startExchangeServer } from './exchange-server.js';
export { type FloatMemory, createFloatMemory } from './float-memory.js';
export { gradientFormat } from './formats/gradient-format.js';
export { type Mesh, openMesh } from './mesh.js';
export { type PartialSums, createPartialSums } from './partial-sums.js';
export {
  type Cluster,
  type ExchangeCosts,
  groupSizes,
  MEASURED_COSTS,
  type Prediction,
  predictAllReduce,
} from './schedule/cost-model.js';
export { groupSizeOf } from './schedule/groups.js';
