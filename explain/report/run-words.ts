/** What was run, in words. */
import { counted } from '../../codecs/text.js';
import type { Summary } from '../../replay/summary.js';
import type { ResultIndex } from './format/model.js';

type Inputs = ResultIndex['inputs'];

/** What was replayed, and with which options, briefly: `rules.v4 on host.json`, `eth0.pcap`, `seed 3`. */
export function runWords(summary: Summary | undefined, inputs: Inputs): string[] {
  const files = inputs.flatMap((input) => input.files);
  return [
    ...(summary ? [`${lastOf(summary.run.rules.path)} on ${lastOf(summary.run.host.path)}`] : []),
    files.length > 3 ? counted(files.length, 'capture') : files.map(lastOf).join(', '),
    ...optionWords(Object.entries(summary?.run.options ?? {})),
  ].filter((words) => words !== '');
}

/** The same at length, a line for each. */
export function runDetails(summary: Summary | undefined, inputs: Inputs): string[] {
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
