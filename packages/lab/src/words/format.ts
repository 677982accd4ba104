/**
 * Numbers as people read them. Always the same width for the same size, so that a display does not jump, and never a
 * locale of the machine, so that output can be compared.
 */

/** `12,345`; below ten with one decimal. */
export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const text = Math.abs(value) < 10 && !Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value));
  return text.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** A fraction of 1 as `97.2 %`. */
export function formatPercent(fraction: number): string {
  return Number.isFinite(fraction) ? `${(fraction * 100).toFixed(1)} %` : '-';
}

/** Any figure of a task: four digits that count. */
export function formatFigure(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : String(value);
}

/** A test accuracy: two decimals, since the last few samples are what it is about. */
export function formatAccuracy(fraction: number): string {
  return Number.isFinite(fraction) ? `${(fraction * 100).toFixed(2)} %` : '-';
}

/** `0.2134`. */
export function formatLoss(loss: number): string {
  return Number.isFinite(loss) ? loss.toFixed(4) : '-';
}

/** `4.2 s`, `1:05`, `2:03:04`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '-';
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** `12.3 ms`. */
export function formatMilliseconds(seconds: number): string {
  return `${formatCount(Number((seconds * 1000).toPrecision(3)))} ms`;
}

/** Multiply-accumulates: `26.1 M`. */
export function formatMacs(macs: number): string {
  return `${(macs / 1e6).toFixed(1)} M`;
}

/** `12.3 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** A bar of so many cells, `share` of them full. */
export function formatBar(share: number, cells: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * cells);
  return `${'█'.repeat(full)}${'░'.repeat(cells - full)}`;
}
