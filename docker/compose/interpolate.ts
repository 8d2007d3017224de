/**
 * Variables in the texts of compose files and .env files: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`,
 * `${NAME:?error}`, `${NAME?error}`, `${NAME:+other}`, `${NAME+other}`, and `$$` for a dollar sign. What stands behind
 * the operator may contain variables, too (compose 2).
 */
import { ComposeError, type Place } from './compose-error.js';
import { type ComposeEntry, type ComposeNode, type ComposeScalar, listOf, mapOf } from './compose-node.js';
import type { ComposeGeneration } from './scalar-type.js';

export interface Variables {
  readonly generation: ComposeGeneration;
  lookUp(name: string): string | undefined;
  /** Is told each variable that is not set and has no default. */
  readonly onUnset?: (name: string) => void;
}

const NAME = /[A-Za-z_]\w*/y;
const OPERATOR = /:?[-?+]/y;
const DOLLAR = 'for a dollar sign write $$';
/** Of texts that come out, so that defaults within defaults do not grow without bound. */
const LONGEST_TEXT = 2 ** 16;
/** Far more than anybody nests. */
const DEEPEST = 32;

/** What is wrong with a text, at OFFSET in it. */
export class InterpolationError extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

/** @throws {InterpolationError} */
export function interpolateText(text: string, variables: Variables, depth = 0): string {
  if (!text.includes('$')) return text;
  if (depth > DEEPEST) throw new InterpolationError('defaults of variables are nested too deeply', 0);
  let result = '';
  for (let at = 0; at < text.length; ) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0) {
      result += text.slice(at);
      break;
    }
    result += text.slice(at, dollar);
    const { value, end } = expansionAt(text, dollar, variables, depth);
    result += value;
    if (result.length > LONGEST_TEXT)
      throw new InterpolationError(`a text of over ${LONGEST_TEXT} characters with its variables`, dollar);
    at = end;
  }
  return result;
}

interface Expansion {
  readonly value: string;
  readonly end: number;
}

function expansionAt(text: string, dollar: number, variables: Variables, depth: number): Expansion {
  const next = text[dollar + 1];
  if (next === '$') return { value: '$', end: dollar + 2 };
  if (next === '{') return bracedAt(text, dollar, variables, depth);
  const name = matchAt(NAME, text, dollar + 1);
  if (name !== undefined) return { value: valueOrBlank(name, variables), end: dollar + 1 + name.length };
  // Compose 2 leaves it as it is.
  if (variables.generation === 2) return { value: '$', end: dollar + 1 };
  throw new InterpolationError(`a $ that no variable follows; ${DOLLAR}`, dollar);
}

function bracedAt(text: string, dollar: number, variables: Variables, depth: number): Expansion {
  const start = dollar + 2;
  const end = closingBrace(text, dollar + 1, variables.generation);
  if (end < 0) throw new InterpolationError(`a \${ without a closing }; ${DOLLAR}`, dollar);
  const name = matchAt(NAME, text, start);
  const wanted = `expected \${NAME}, \${NAME:-default}, \${NAME:?error} or \${NAME:+other}; ${DOLLAR}`;
  if (name === undefined || start + name.length > end)
    throw new InterpolationError(`"${text.slice(dollar, end + 1)}" names no variable; ${wanted}`, dollar);
  const operatorAt = start + name.length;
  if (operatorAt === end) return { value: valueOrBlank(name, variables), end: end + 1 };
  const operator = matchAt(OPERATOR, text, operatorAt);
  if (operator === undefined || (operator.endsWith('+') && variables.generation === 1))
    throw new InterpolationError(
      `what follows ${name} in "${text.slice(dollar, end + 1)}" is unknown; ${wanted}`,
      dollar,
    );
  const wordAt = operatorAt + operator.length;
  const word = text.slice(wordAt, end);
  if (variables.generation === 1 && word.includes('$'))
    throw new InterpolationError('compose 1 does not expand variables within the default of another', wordAt);
  const expandWord = (): string => {
    try {
      return interpolateText(word, variables, depth + 1);
    } catch (error) {
      throw error instanceof InterpolationError ? new InterpolationError(error.message, wordAt + error.offset) : error;
    }
  };
  return { value: applied(name, operator, expandWord, { variables, offset: dollar }), end: end + 1 };
}

function applied(
  name: string,
  operator: string,
  word: () => string,
  { variables, offset }: { variables: Variables; offset: number },
): string {
  const value = variables.lookUp(name);
  const isThere = value !== undefined && !(operator.startsWith(':') && value === '');
  switch (operator.at(-1)) {
    case '-':
      return isThere ? value : word();
    case '+':
      return isThere ? word() : (value ?? '');
    default: {
      if (isThere) return value;
      const reason = word();
      throw new InterpolationError(`the variable ${name} has to be set${reason === '' ? '' : `: ${reason}`}`, offset);
    }
  }
}

function valueOrBlank(name: string, variables: Variables): string {
  const value = variables.lookUp(name);
  if (value === undefined) variables.onUnset?.(name);
  return value ?? '';
}

/** Where the brace at OPEN is closed, counting all braces in between; compose 1 does not count them. */
function closingBrace(text: string, open: number, generation: ComposeGeneration): number {
  if (generation === 1) return text.indexOf('}', open);
  let opened = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '{') opened++;
    if (text[at] === '}' && --opened === 0) return at;
  }
  return text.lastIndexOf('}') > open ? text.lastIndexOf('}') : -1;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/** NODE with all its texts interpolated. Names of members are left as they are, as compose leaves them. */
export function interpolateNode(node: ComposeNode, variables: Variables): ComposeNode {
  const tag = node.tag && { tag: node.tag };
  switch (node.kind) {
    case 'scalar':
      return interpolateScalar(node, variables);
    case 'list':
      return {
        ...listOf(
          node.items.map((item) => interpolateNode(item, variables)),
          node.place,
        ),
        ...tag,
      };
    case 'map': {
      const entries = new Map<string, ComposeEntry>();
      for (const [name, { place, value }] of node.entries)
        entries.set(name, { place, value: interpolateNode(value, variables) });
      return { ...mapOf(entries, node.place), ...tag };
    }
  }
}

function interpolateScalar(node: ComposeScalar, variables: Variables): ComposeScalar {
  if (node.type !== 'text' || !node.text.includes('$')) return node;
  try {
    return { ...node, text: interpolateText(node.text, variables), isVerbatim: false };
  } catch (error) {
    throw error instanceof InterpolationError ? errorIn(node, error) : error;
  }
}

function errorIn({ place, isVerbatim }: ComposeScalar, { message, offset }: InterpolationError): ComposeError {
  const at: Place = isVerbatim ? { ...place, column: place.column + offset } : place;
  return new ComposeError(message, at);
}
