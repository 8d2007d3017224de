import type { HostDescription } from './description.js';
import { describe, mismatch, objectAt, quote } from './json-values.js';

/** Values that are not a single number become NaN: no sysctl that nfreplay uses has such a value. */
export function sysctlsOf(json: unknown): Map<string, number> {
  const sysctls = new Map<string, number>();
  for (const [name, value] of Object.entries(objectAt(json, 'sysctl'))) {
    const path = `sysctl[${quote(name)}]`;
    if (typeof value !== 'number' && typeof value !== 'string') throw mismatch(path, 'a number', describe(value));
    const text = String(value).trim();
    sysctls.set(name, /^-?(0[xX][\da-fA-F]+|[1-9]\d*|0)$/.test(text) ? numberOf(text) : Number.NaN);
  }
  return sysctls;
}

function numberOf(text: string): number {
  return text.startsWith('-') ? -Number(text.slice(1)) : Number(text);
}

/** The value that a description gives for the sysctl NAME, which it may write with dots or, as a path, with slashes. */
export function givenSysctl({ sysctls }: Pick<HostDescription, 'sysctls'>, name: string): number | undefined {
  return sysctls.get(name) ?? sysctls.get(name.replaceAll('.', '/'));
}
