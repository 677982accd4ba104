/** Inputs whose values do not matter, as long as they are small, of both signs and not all alike. */
export function randomValues(length: number): Float32Array {
  return Float32Array.from({ length }, () => (Math.random() - 0.5) / 8);
}
