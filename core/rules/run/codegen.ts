/**
 * Safe code generation: no text of a ruleset can become code. `code` is the only way to create it, and it accepts only
 * finite numbers and other `Code`. Everything else (a closure, a table) is accessed by index.
 */
import type { FieldCode, FieldName } from '../../fields.js';
import type { Packet } from '../../packet.js';

/** Private to this module, so only this module can create `Code`. */
const MAKER = Symbol('code');

/** A piece of JavaScript that is known to be safe. */
export class Code {
  readonly #text: string;

  constructor(maker: symbol, text: string) {
    if (maker !== MAKER) throw new TypeError('code is made by the code template only');
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }
}

/** The tagged template: code`packet.dport === ${80}`. */
export function code(strings: TemplateStringsArray, ...values: readonly (number | Code)[]): Code {
  let text = strings[0];
  for (let i = 0; i < values.length; i++) text += quote(values[i]) + strings[i + 1];
  return new Code(MAKER, text);
}

/** Concatenates PARTS with SEPARATOR in between. */
export function joinCode(parts: readonly Code[], separator: Code): Code {
  for (const part of parts) quote(part);
  return new Code(MAKER, parts.map((part) => part.text).join(separator.text));
}

/** The identifier PREFIX followed by INDEX: f12. */
export function identifier(prefix: 'f' | 'c' | 'p', index: number): Code {
  if (!Number.isSafeInteger(index) || index < 0) throw new TypeError(`no index for an identifier: ${index}`);
  return new Code(MAKER, `${prefix}${index}`);
}

export const TRUE = code`true`;
export const FALSE = code`false`;
const AND = code` && `;
const OR = code` || `;

/** All CONDITIONS must hold. Without any: true. */
export function allOf(conditions: readonly Code[]): Code {
  const needed = conditions.filter((condition) => condition.text !== TRUE.text);
  if (needed.some((condition) => condition.text === FALSE.text)) return FALSE;
  if (needed.length === 0) return TRUE;
  return needed.length === 1 ? needed[0] : joinCode(needed, AND);
}

/** Same as `allOf` for conditions with side effects: those before a false one are still evaluated. */
export function allInOrder(conditions: readonly Code[]): Code {
  const firstFalse = conditions.findIndex((condition) => condition.text === FALSE.text);
  if (firstFalse < 1) return allOf(conditions);
  return joinCode([allOf(conditions.slice(0, firstFalse)), FALSE], AND);
}

/** One of CONDITIONS must hold, in parentheses. Without any: false. */
export function anyOf(conditions: readonly Code[]): Code {
  if (conditions.length === 0) return FALSE;
  return conditions.length === 1 ? conditions[0] : code`(${joinCode(conditions, OR)})`;
}

/** CONDITION or, if NEGATED, its opposite. */
export function unless(negated: boolean, condition: Code): Code {
  if (!negated) return condition;
  if (condition.text === TRUE.text) return FALSE;
  return condition.text === FALSE.text ? TRUE : code`!(${condition})`;
}

function quote(value: number | Code): string {
  if (value instanceof Code) return value.text;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new TypeError('only finite numbers become code');
  return value < 0 || Object.is(value, -0) ? `(${value})` : String(value);
}

/** The parts of a generated function that are available while conditions are compiled. */
export interface Generator {
  /** The value of a field with generated code. */
  field(name: FieldName): Code;
  /** A call of CHECK with the packet, for tests not worth generating. */
  call(check: (packet: Packet) => boolean): Code;
}

/** The code for a field's value: its local constant, if it has one. */
export function fieldValueCode({ value, local }: FieldCode): Code {
  return local ?? value;
}

/** The declaration of the local constants of FIELDS. */
export function declareFields(fields: Iterable<FieldCode>): Code {
  const declarations = [...fields].flatMap(({ value, local }) =>
    local === undefined ? [] : [code`${local} = ${value}`],
  );
  return declarations.length === 0 ? code`` : code`const ${joinCode(declarations, code`, `)};\n`;
}
