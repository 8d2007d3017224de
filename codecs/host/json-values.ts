/** The values in the JSON of a host. Each function throws a HostError if the value at PATH is not what is expected. */
import { withNearest } from '../nearest.js';
import { HostError } from './error.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A number up to HIGHEST (decimal, or hexadecimal after `0x`), or its name in the rt_ files of ip(8). */
export function numberedAt(
  value: unknown,
  path: string,
  names: Readonly<Record<string, number>>,
  expected: string,
  highest = 0xffffffff,
): number {
  const text = typeof value === 'number' ? String(value) : stringAt(value, path);
  if (Object.hasOwn(names, text)) return names[text];
  if (/^(\d{1,10}|0x[\da-f]{1,8})$/i.test(text) && Number(text) <= highest) return Number(text);
  const known = Object.keys(names);
  const named = known.length === 0 ? '' : ` (${known.join(', ')} or a number)`;
  throw mismatchedName(path, expected + named, text, known);
}

export function integerAt(value: unknown, path: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw mismatch(path, `a whole number from ${min} to ${max}`, describe(value));
}

export function stringAt(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw mismatch(path, 'a string', describe(value));
}

export function optionalStringAt(value: unknown, path: string): string | undefined {
  return value === undefined || value === '' ? undefined : stringAt(value, path);
}

export function listAt(value: unknown, path: string): [entry: unknown, path: string][] {
  if (!Array.isArray(value)) throw mismatch(path, 'a list', describe(value));
  return value.map((entry: unknown, i) => [entry, `${path}[${i}]`]);
}

export function objectAt(value: unknown, path: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw mismatch(path, 'an object', describe(value));
}

/** The object VALUE, all of whose members are among MEMBERS. */
export function objectOf(value: unknown, path: string, members: readonly string[]): JsonObject {
  const object = objectAt(value, path);
  const unknown = Object.keys(object).find((key) => !members.includes(key));
  if (unknown === undefined) return object;
  throw mismatchedName(`${path}.${unknown}`, `one of ${members.join(', ')}`, unknown, members);
}

export function mismatch(path: string, expected: string, found: string): HostError {
  return new HostError(path, `expected ${expected}, found ${found}`);
}

export function mismatchedName(path: string, expected: string, found: string, names: readonly string[]): HostError {
  return new HostError(path, withNearest(`expected ${expected}, found ${quote(found)}`, found, names));
}

const MAX_QUOTED = 60;

export function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}

export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
