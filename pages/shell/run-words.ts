import type { ResultIndex } from '../../explain/report/format/model.js';
import { counted } from '../words/numbers.js';
import { duration, wallTime } from '../words/times.js';

/** What was run, in one line: `rules.v4 on host.json · 2 captures · 2025-11-12 10:00:00 UTC, 5 min · nfreplay 1.0.0`. */
export function runWords({ summary, inputs, start, durationNs }: ResultIndex, generator: string): string {
  const files = inputs.flatMap((input) => input.files);
  const { seed = 0, ...options } = summary?.run.options ?? {};
  return [
    ...(summary ? [`${summary.run.rules.path} on ${summary.run.host.path}`] : []),
    files.length > 3 ? counted(files.length, 'capture') : files.join(', '),
    `${wallTime(start, 0).slice(0, 19)} UTC, ${duration(durationNs)}`,
    ...(seed === 0 ? [] : [`seed ${seed}`]),
    ...optionWords(options),
    generator,
  ]
    .filter((words) => words !== '')
    .join(' · ');
}

/** Options that are not as they are by default: `lax`, `checksums verify`. */
function optionWords(options: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => {
      const words = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      if (value === true) return words;
      return `${words} ${typeof value === 'object' ? JSON.stringify(value) : value}`;
    });
}
