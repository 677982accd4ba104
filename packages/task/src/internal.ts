/** What tests and benches use of this package beyond its public interface. */
export { type Accounting, asGradient } from './arithmetic/gradient-sum.js';
