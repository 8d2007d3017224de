import type { ResultIndex } from '../../explain/report/format/model.js';
import { counted } from '../words/numbers.js';
import { duration, wallTime } from '../words/times.js';

/** What was run, in one line: `rules.v4 on host.json · eth0.pcap · 2025-11-12 10:00:00 UTC, 5 min · nfreplay 1.0.0`. */
export function runWords({ summary, inputs, start, durationNs, packets }: ResultIndex, generator: string): string {
  const files = inputs.flatMap((input) => input.files);
  return [
    ...(summary ? [`${lastOf(summary.run.rules.path)} on ${lastOf(summary.run.host.path)}`] : []),
    files.length > 3 ? counted(files.length, 'capture') : files.map(lastOf).join(', '),
    packets.read > 0 ? `${wallTime(start, 0).slice(0, 19)} UTC, ${duration(durationNs)}` : '',
    ...optionWords(Object.entries(summary?.run.options ?? {})),
    generator,
  ]
    .filter((words) => words !== '')
    .join(' · ');
}

/** The same at length, a line for each. */
export function runDetails({ summary, inputs }: ResultIndex): string[] {
  const { rules, host, options } = summary?.run ?? {};
  const lines: readonly [name: string, value: unknown][] = [
    ['rules', rules?.path],
    ['host', host?.path],
    ...inputs.map(({ name, files }): [string, unknown] => [name, files]),
    ...Object.entries(options ?? {}),
  ];
  return lines.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${[value].flat().join('; ')}`]));
}

/** Without the folders that a path has before its last name. */
const lastOf = (path: string): string => path.replace(/^.*\/(?=[^/])/, '');

/** Options that are not as they are by default: `lax`, `7 × at`, `checksums verify`. */
function optionWords(options: readonly [string, unknown][]): string[] {
  return options
    .filter(([, value]) => value)
    .map(([name, value]) => {
      const words = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      if (value === true) return words;
      return Array.isArray(value) && value.length > 1 ? `${value.length} × ${words}` : `${words} ${value}`;
    });
}
