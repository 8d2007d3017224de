/**
 * Parses arithmetic expressions. `%` and `^` have no precedence in tcpdump's grammar: they bind more closely than what
 * is before them and less closely than what follows. So `7 % 3 + 1` is `7 % (3 + 1)`.
 */
import { constant, load, negation, operation } from './arithmetic.js';
import type { Arithmetic, ArithmeticOperator, Relation } from './ast.js';
import type { TokenStream } from './token-stream.js';
import type { ProtocolWord } from './words.js';

const PRECEDENCE: Readonly<Record<ArithmeticOperator, number | undefined>> = {
  '|': 1,
  '&': 2,
  '<<': 3,
  '>>': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': undefined,
  '^': undefined,
};
const LOWEST = 0;
const OF_MINUS = 6;

const RELATIONS: readonly string[] = ['=', '!=', '<', '>', '<=', '>='] satisfies readonly Relation[];

/** The relation that the current word is. */
export function relationAt(tokens: TokenStream): Relation | undefined {
  const { token } = tokens;
  return token.is === 'symbol' && RELATIONS.includes(token.symbol) ? (token.symbol as Relation) : undefined;
}

/** Whether the current word begins an arithmetic expression, a parenthesis aside. */
export function beginsArithmetic(tokens: TokenStream): boolean {
  const { token } = tokens;
  if (token.is === 'number') return true;
  if (token.is === 'keyword' && token.keyword.is === 'primitive') return token.keyword.primitive === 'len';
  return tokens.isSymbol('-') || loadedProtocol(tokens) !== undefined;
}

/** The protocol of a load (`tcp[`) at the current word. */
function loadedProtocol(tokens: TokenStream): ProtocolWord | undefined {
  const { token } = tokens;
  if (token.is !== 'keyword' || token.keyword.is !== 'protocol') return undefined;
  return tokens.isSymbol('[', tokens.ahead(1)) ? token.keyword.protocol : undefined;
}

/** A whole arithmetic expression. */
export function parseArithmetic(tokens: TokenStream): Arithmetic {
  return continueArithmetic(tokens, parseOperand(tokens));
}

/** The rest of the expression that LEFT begins, as far as it binds more closely than what is before LEFT. */
export function continueArithmetic(
  tokens: TokenStream,
  left: Arithmetic,
  before: number | undefined = LOWEST,
): Arithmetic {
  let result = left;
  for (;;) {
    const operator = operatorAt(tokens);
    if (operator === undefined) return result;
    const precedence = PRECEDENCE[operator];
    if (before !== undefined && precedence !== undefined && precedence <= before) return result;
    const { column } = tokens;
    tokens.advance();
    const right = tokens.nested(() => continueArithmetic(tokens, parseOperand(tokens), precedence));
    result = operation(column, operator, result, right);
  }
}

function operatorAt(tokens: TokenStream): ArithmeticOperator | undefined {
  const { token } = tokens;
  return token.is === 'symbol' && token.symbol in PRECEDENCE ? (token.symbol as ArithmeticOperator) : undefined;
}

/** A number, a length, a load, or one of these with a minus or in parentheses. */
function parseOperand(tokens: TokenStream): Arithmetic {
  const { column, token } = tokens;
  if (tokens.isSymbol('-')) {
    tokens.advance();
    const operand = tokens.nested(() => continueArithmetic(tokens, parseOperand(tokens), OF_MINUS));
    return negation(column, operand);
  }
  if (tokens.isSymbol('(')) {
    tokens.advance();
    const inner = tokens.nested(() => parseArithmetic(tokens));
    tokens.expectSymbol(')', 'an operator or a closing parenthesis');
    return inner;
  }
  if (token.is === 'number') {
    tokens.advance();
    return constant(column, token.value);
  }
  const protocol = loadedProtocol(tokens);
  if (protocol !== undefined) return parseLoad(tokens, protocol);
  if (!beginsArithmetic(tokens)) throw tokens.fault('a number, len, or bytes of the packet such as ip[8]');
  tokens.advance();
  return { is: 'length', column, guards: [] };
}

function parseLoad(tokens: TokenStream, protocol: ProtocolWord): Arithmetic {
  const { column } = tokens;
  tokens.advance(2);
  const index = tokens.nested(() => parseArithmetic(tokens));
  let size = 1;
  if (tokens.isSymbol(':')) {
    tokens.advance();
    const { token } = tokens;
    if (token.is !== 'number' || ![1, 2, 4].includes(token.value)) throw tokens.fault('a size of 1, 2 or 4 bytes');
    size = token.value;
    tokens.advance();
  }
  tokens.expectSymbol(']', 'an operator, a colon and a size, or a closing bracket');
  return load(column, protocol, index, size as 1 | 2 | 4);
}
