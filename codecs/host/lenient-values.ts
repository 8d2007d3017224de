/** Values of JSON that somebody else's program has printed; one that is missing or of another type does no harm. */
import type { JsonObject } from './json-values.js';

/** VALUE, or an empty object. */
export function objectIn(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** The elements of LIST as objects; none if it is no list. */
export function objectsIn(list: unknown): JsonObject[] {
  return Array.isArray(list) ? list.map(objectIn) : [];
}

/** VALUE, if it is a text that is not empty. */
export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
