/**
 * What `docker inspect` and `docker network inspect` print, as people paste it: lists or single objects, several behind
 * each other, in any order, with the commands between them.
 */
import { HostError } from '../../codecs/host/error.js';
import type { JsonObject } from '../../codecs/host/json-values.js';
import { textIn } from '../../codecs/host/lenient-values.js';
import { locateSyntaxError } from '../../codecs/json-position.js';

export interface Inspected {
  readonly containers: readonly JsonObject[];
  readonly networks: readonly JsonObject[];
}

/** A line that may stand between outputs: a prompt with the command, an empty one. */
const BETWEEN = /^(?:\s*|.*\bdocker\b.*\binspect\b.*|\S*[$#>]\s*)$/;

/** Whether TEXT looks like what these commands print. */
export function isInspected(text: string): boolean {
  return /"(?:NetworkSettings|IPAM)"\s*:/.test(text) && /^\s*[[{]/m.test(text);
}

/**
 * The containers and networks in TEXT, the content of FILE.
 * @throws {HostError} where it is something else
 */
export function readInspected(text: string, file: string): Inspected {
  const containers: JsonObject[] = [];
  const networks: JsonObject[] = [];
  for (const { value, line } of valuesIn(text.replace(/^\ufeff/, ''), file)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      const object: JsonObject = typeof one === 'object' && one !== null ? one : {};
      if (object.NetworkSettings !== undefined && textIn(object.Name) !== undefined) containers.push(object);
      else if (object.IPAM !== undefined && textIn(object.Name) !== undefined) networks.push(object);
      else throw new HostError('', problemOf(object), file, line, 1);
    }
  }
  return { containers, networks };
}

function problemOf(object: JsonObject): string {
  const isImage = object.RepoTags !== undefined;
  const what = isImage ? 'this is an image' : 'this is no container and no network';
  return `${what}; expected what docker inspect CONTAINER… and docker network inspect NETWORK… print`;
}

function* valuesIn(text: string, file: string): Generator<{ value: unknown; line: number }> {
  let line = 1;
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at);
    const one = text.slice(at, end);
    const blank = one.length - one.trimStart().length;
    if (/^\s*[[{]/.test(one)) {
      const stop = endOfValue(text, at + blank);
      const json = text.slice(at + blank, stop);
      yield { value: parsed(json, file, line), line };
      line += json.split('\n').length - 1;
      at = stop;
      continue;
    }
    if (!BETWEEN.test(one)) {
      const found = JSON.stringify(one.trim().slice(0, 60));
      throw new HostError('', `expected the output of docker inspect, found ${found}`, file, line, blank + 1);
    }
    line++;
    at = end + 1;
  }
}

function parsed(json: string, file: string, line: number): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    const place = locateSyntaxError(json);
    throw new HostError('', `not JSON: ${(error as Error).message}`, file, line + place.line - 1, place.column);
  }
}

/** Where the list or object ends that starts at START of TEXT; the end of TEXT if it does not. */
function endOfValue(text: string, start: number): number {
  const token = /"(?:[^"\\]|\\.)*"|[[\]{}]/gs;
  token.lastIndex = start;
  let depth = 0;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const [part] = found;
    if (part === '[' || part === '{') depth++;
    else if (part === ']' || part === '}') depth--;
    if (depth === 0) return token.lastIndex;
  }
  return text.length;
}
