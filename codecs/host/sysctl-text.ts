/** The text of `sysctl -a`, or of files in /etc/sysctl.d. */
import { quote } from './json-values.js';

/** A fault in the text, with its line and column there, from 1. */
export interface TextFault {
  readonly problem: string;
  readonly line: number;
  readonly column: number;
}

export interface SysctlText {
  /** Values by name, as they are written. */
  readonly values: Readonly<Record<string, string>>;
  /** The line of each name, from 1. */
  readonly lines: ReadonlyMap<string, number>;
  readonly fault?: TextFault;
}

/** Comments, and what sysctl says about settings that it may not read. */
const NO_SETTING = /^\s*(?:[#;]|sysctl: |$)/;

/** Parses TEXT up to the first fault in it. Of a setting that is given twice, the last value counts. */
export function parseSysctlText(text: string): SysctlText {
  const values: Record<string, string> = Object.create(null);
  const lines = new Map<string, number>();
  let number = 0;
  for (const line of text.split('\n')) {
    number++;
    if (NO_SETTING.test(line)) continue;
    const [, name, value] = /^\s*-?([^\s=]+)\s*=(.*)$/.exec(line) ?? [];
    if (name === undefined) {
      const problem = `expected NAME = VALUE, found ${quote(line.trim())}`;
      return { values, lines, fault: { problem, line: number, column: line.search(/\S/) + 1 } };
    }
    values[name] = value.trim();
    lines.set(name, number);
  }
  return { values, lines };
}
