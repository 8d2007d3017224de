/**
 * Parses filters in tcpdump's language (pcap-filter(7)).
 *
 *     expression = item { ("and" | "or") (item | id) }       both bind equally, from left to right
 *     item       = [protocol] [direction] [type] id | protocol | arithmetic relation arithmetic | primitive
 *                | "not" item | "(" expression ")"
 *     id         = name | number | address | MAC | "not" id | "(" id { ("and" | "or") id } ")"
 *
 * An id without a qualifier has that of the item before it: `host a or b`, `tcp port 80 or 443`. After an item that has
 * none (`ip`, `len > 5`), it is an error.
 */
import type { Arithmetic, Direction, Expression, Id, Link, Qualifier } from './ast.js';
import { FilterError } from './filter-error.js';
import { cut } from './lexer.js';
import { beginsArithmetic, continueArithmetic, parseArithmetic, relationAt } from './parse-arithmetic.js';
import { parsePrimitive } from './parse-primitive.js';
import { TokenStream } from './token-stream.js';
import type { ProtocolWord } from './words.js';

/** The qualifier of the last item: what an id that follows has. Undefined: the last item has none. */
type Last = Qualifier | undefined;

/** An expression, or an arithmetic expression that no relation follows (yet). */
type Parsed =
  | { readonly is: 'expression' | 'id'; readonly expression: Expression; readonly last: Last }
  | { readonly is: 'arithmetic'; readonly arithmetic: Arithmetic; readonly isNumber: boolean };

const ITEM = 'a condition, such as host 10.0.0.1, tcp port 80 or ip[8] < 5';
const ID = 'an address, a number or a name';

/**
 * Parses TEXT. An empty filter means every packet.
 * @throws {FilterError}
 */
export function parseFilter(text: string): Expression {
  const tokens = new TokenStream(text);
  if (tokens.isAtEnd) return { is: 'all', column: 1 };
  const parsed = parseChain(tokens, undefined, false);
  if (!tokens.isAtEnd) throw tokens.fault('and, or, or the end of the filter');
  return complete(tokens, parsed).expression;
}

/** Items with operators between. TAKES_ID: it may begin with an id, whose qualifier is LAST. */
function parseChain(tokens: TokenStream, last: Last, takesId: boolean): Parsed {
  const { column } = tokens;
  const first = parseItem(tokens, last, takesId);
  if (tokens.operatorOf() === undefined || tokens.operatorOf() === '!') return first;
  let current = completeOrId(tokens, first, last, takesId);
  const head = current.expression;
  const rest: Link[] = [];
  for (;;) {
    const operator = tokens.operatorOf();
    if (operator === undefined || operator === '!') break;
    tokens.advance();
    const inherited = current.last;
    const next = completeOrId(tokens, parseItem(tokens, inherited, true), inherited, true);
    rest.push({ operator, operand: next.expression });
    current = next;
  }
  return { is: current.is, expression: { is: 'chain', column, first: head, rest }, last: current.last };
}

/** An item; or an id, which has the qualifier LAST. */
function parseItem(tokens: TokenStream, last: Last, takesId: boolean): Parsed {
  const { column } = tokens;
  if (tokens.operatorOf() === '!') {
    tokens.advance();
    const operand = tokens.nested(() => completeOrId(tokens, parseItem(tokens, last, takesId), last, takesId));
    return { ...operand, expression: { is: 'not', column, operand: operand.expression } };
  }
  if (tokens.isSymbol('(')) return parseParentheses(tokens, last, takesId);
  const { token } = tokens;
  if (beginsArithmetic(tokens)) {
    const next = tokens.ahead(1);
    const arithmetic = parseArithmetic(tokens);
    return parseRelation(tokens, arithmetic, token.is === 'number' && tokens.token === next);
  }
  if (token.is !== 'keyword') {
    if (!takesId || token.is === 'symbol' || token.is === 'end') throw itemFault(tokens);
    return idWith(tokens, last);
  }
  const primitive = parsePrimitive(tokens);
  if (primitive !== undefined) return { is: 'expression', expression: primitive, last: undefined };
  const qualifier = parseQualifier(tokens);
  if (qualifier.protocol !== undefined && qualifier.direction === undefined && qualifier.type === undefined) {
    return protocolItem(tokens, column, qualifier.protocol);
  }
  const { expression } = parseId(tokens, qualifier);
  return { is: 'expression', expression, last: qualifier };
}

function protocolItem(tokens: TokenStream, column: number, protocol: ProtocolWord): Parsed {
  const { token } = tokens;
  if (!['end', 'symbol', 'keyword'].includes(token.is)) {
    throw tokens.fault(`and, or, or what ${protocol} is to have: host, net, port, proto`);
  }
  return { is: 'expression', expression: { is: 'protocol', column, protocol }, last: undefined };
}

function parseParentheses(tokens: TokenStream, last: Last, takesId: boolean): Parsed {
  tokens.advance();
  const inner = tokens.nested(() => parseChain(tokens, last, takesId));
  tokens.expectSymbol(')', 'and, or, or a closing parenthesis');
  if (inner.is === 'arithmetic') {
    const { token } = tokens;
    const arithmetic = continueArithmetic(tokens, inner.arithmetic);
    return parseRelation(tokens, arithmetic, inner.isNumber && tokens.token === token);
  }
  // What follows parentheses has the qualifier of what was before them, unless they hold ids only.
  return inner.is === 'id' ? inner : { ...inner, last };
}

/** The relation that LEFT begins; LEFT alone if none follows. IS_NUMBER: it is nothing but a number. */
function parseRelation(tokens: TokenStream, left: Arithmetic, isNumber: boolean): Parsed {
  const relation = relationAt(tokens);
  if (relation === undefined) return { is: 'arithmetic', arithmetic: left, isNumber };
  tokens.advance();
  const right = parseArithmetic(tokens);
  const { column } = left;
  return { is: 'expression', expression: { is: 'relation', column, relation, left, right }, last: undefined };
}

/** PARSED, of which nothing more follows. */
function complete(tokens: TokenStream, parsed: Parsed): Exclude<Parsed, { is: 'arithmetic' }> {
  if (parsed.is !== 'arithmetic') return parsed;
  throw tokens.fault('a comparison: =, !=, <, >, <= or >=');
}

/** The same; where an id may stand, a number alone is one. */
function completeOrId(
  tokens: TokenStream,
  parsed: Parsed,
  last: Last,
  takesId: boolean,
): Exclude<Parsed, { is: 'arithmetic' }> {
  if (parsed.is !== 'arithmetic' || !takesId || !parsed.isNumber || parsed.arithmetic.is !== 'constant') {
    return complete(tokens, parsed);
  }
  const { column, value } = parsed.arithmetic;
  return qualified(column, { is: 'number', value }, String(value), last);
}

function itemFault(tokens: TokenStream): FilterError {
  const { token } = tokens;
  if (token.is === 'ipv4' || token.is === 'ipv6') {
    return new FilterError(token.column, `"${token.text}": expected host or net before an address`);
  }
  if (token.is === 'mac') return new FilterError(token.column, `"${token.text}": expected ether host before a MAC`);
  return tokens.fault(ITEM);
}

/** What stands before an id: protocol, direction and type, each of which may be left out. */
function parseQualifier(tokens: TokenStream): Qualifier {
  let { token } = tokens;
  let protocol: ProtocolWord | undefined;
  if (token.is === 'keyword' && token.keyword.is === 'protocol') {
    protocol = token.keyword.protocol;
    tokens.advance();
  }
  const direction = parseDirection(tokens);
  ({ token } = tokens);
  if (token.is === 'keyword' && token.keyword.is === 'type') {
    const { type } = token.keyword;
    if (type === 'proto' && direction !== undefined) {
      throw new FilterError(token.column, `proto has no direction; remove ${direction} before it`);
    }
    tokens.advance();
    return { protocol, direction, type };
  }
  if (protocol === undefined && direction === undefined) throw tokens.fault(ITEM);
  // The next word may say what is wrong, such as `tcp gateway`.
  if (token.is === 'keyword' && token.keyword.is === 'unsupported') throw tokens.fault(ID);
  return { protocol, direction };
}

function parseDirection(tokens: TokenStream): Direction | undefined {
  const direction = directionAt(tokens, 0);
  if (direction === undefined) return undefined;
  const operator = tokens.operatorOf(tokens.ahead(1));
  const other = directionAt(tokens, 2);
  if ((operator !== '&&' && operator !== '||') || other === undefined || other === direction) {
    tokens.advance();
    return direction;
  }
  tokens.advance(3);
  return operator === '&&' ? 'src and dst' : 'src or dst';
}

function directionAt(tokens: TokenStream, ahead: number): 'src' | 'dst' | undefined {
  const token = tokens.ahead(ahead);
  return token.is === 'keyword' && token.keyword.is === 'direction' ? token.keyword.direction : undefined;
}

/** The ids that follow QUALIFIER. */
function parseId(tokens: TokenStream, qualifier: Qualifier): { expression: Expression } {
  const { column } = tokens;
  if (tokens.operatorOf() === '!') {
    tokens.advance();
    const { expression } = tokens.nested(() => parseId(tokens, qualifier));
    return { expression: { is: 'not', column, operand: expression } };
  }
  if (!tokens.isSymbol('(')) return idWith(tokens, qualifier);
  tokens.advance();
  const { expression: first } = tokens.nested(() => parseId(tokens, qualifier));
  const rest: Link[] = [];
  for (;;) {
    const operator = tokens.operatorOf();
    if (operator === undefined || operator === '!') break;
    tokens.advance();
    rest.push({ operator, operand: tokens.nested(() => parseId(tokens, qualifier)).expression });
  }
  tokens.expectSymbol(')', 'and, or, or a closing parenthesis');
  return { expression: rest.length === 0 ? first : { is: 'chain', column, first, rest } };
}

/** The id at the current word, qualified by LAST. */
function idWith(tokens: TokenStream, last: Last): { is: 'id'; expression: Expression; last: Last } {
  const { column, token } = tokens;
  return qualified(column, parseIdWord(tokens), token.text, last);
}

function qualified(column: number, id: Id, text: string, last: Last): { is: 'id'; expression: Expression; last: Last } {
  if (last === undefined) {
    throw new FilterError(column, `"${cut(text)}": expected what this is, such as host, net or port, before it`);
  }
  return { is: 'id', expression: { is: 'id', column, qualifier: last, id }, last };
}

function parseIdWord(tokens: TokenStream): Id {
  const { token } = tokens;
  if (token.is === 'symbol' || token.is === 'keyword' || token.is === 'end') {
    const isProtocol = token.is === 'keyword' && token.keyword.is === 'protocol';
    throw tokens.fault(isProtocol ? `${ID}; if the name of a protocol is meant, write \\${token.text}` : ID);
  }
  tokens.advance();
  switch (token.is) {
    case 'mac':
      return { is: 'mac', text: token.text };
    case 'ipv6':
      return { is: 'ipv6', text: token.text, ...parsePrefix(tokens) };
    case 'number':
      // tcpdump wants a dot in the address before a prefix length, people do not.
      if (tokens.isSymbol('/')) return { is: 'ipv4', text: token.text, ...parsePrefix(tokens) };
      return { is: 'number', value: token.value };
    case 'name':
      return { is: 'name', name: token.text.startsWith('\\') ? token.text.slice(1) : token.text };
    default:
      return parseIpv4(tokens, token.text);
  }
}

function parseIpv4(tokens: TokenStream, text: string): Id {
  const { token } = tokens;
  const isMask = token.is === 'keyword' && token.keyword.is === 'primitive' && token.keyword.primitive === 'mask';
  if (!isMask) return { is: 'ipv4', text, ...parsePrefix(tokens) };
  tokens.advance();
  const { token: mask } = tokens;
  if (mask.is !== 'ipv4') throw tokens.fault('a network mask such as 255.255.0.0');
  tokens.advance();
  return { is: 'ipv4', text, mask: mask.text };
}

function parsePrefix(tokens: TokenStream): { prefix?: number } {
  if (!tokens.isSymbol('/')) return {};
  tokens.advance();
  return { prefix: tokens.expectNumber('a prefix length') };
}
