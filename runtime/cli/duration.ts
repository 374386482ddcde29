import { milliseconds } from '#translate/duration.ts';
import { usage } from './failure.ts';

/** Milliseconds of a flag's duration: `500ms`, `30s`, `2m`, `1h30m`. Throws a usage failure for anything else. */
export function durationOf(flag: string, text: string): number {
  const value = milliseconds(text);
  if (value !== undefined && value > 0) return value;
  throw usage(`"${text}" is not a duration`, { expected: `${flag} 500ms, 30s, 2m or 1h`, came: text });
}

/** `41s`, `23h`, `6d`: the largest unit alone, for tables. */
export function shortDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
