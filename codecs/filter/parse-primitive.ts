/** Parses what stands alone in a filter: `vlan 5`, `greater 100`, `ip broadcast`. */
import type { Expression } from './ast.js';
import { FilterError } from './filter-error.js';
import type { TokenStream } from './token-stream.js';
import type { PrimitiveWord, ProtocolWord } from './words.js';

/** The primitive at the current word; undefined if there is none. */
export function parsePrimitive(tokens: TokenStream): Expression | undefined {
  const { column, token } = tokens;
  if (token.is !== 'keyword') return undefined;
  if (token.keyword.is === 'protocol') return parseCast(tokens, column, token.keyword.protocol);
  if (token.keyword.is !== 'primitive') return undefined;
  const { primitive } = token.keyword;
  if (primitive === 'mask') return undefined;
  tokens.advance();
  return parseWord(tokens, column, primitive);
}

/** `ip broadcast`, `ether multicast` */
function parseCast(tokens: TokenStream, column: number, protocol: ProtocolWord): Expression | undefined {
  const next = tokens.ahead(1);
  if (next.is !== 'keyword' || next.keyword.is !== 'primitive') return undefined;
  const { primitive } = next.keyword;
  if (primitive !== 'broadcast' && primitive !== 'multicast') return undefined;
  tokens.advance(2);
  return { is: primitive, column, protocol };
}

function parseWord(
  tokens: TokenStream,
  column: number,
  primitive: Exclude<PrimitiveWord, 'mask'>,
): Expression | undefined {
  switch (primitive) {
    case 'broadcast':
    case 'multicast':
      return { is: primitive, column, protocol: undefined };
    case 'inbound':
    case 'outbound':
    case 'pppoed':
      return { is: primitive, column };
    case 'less':
    case 'greater': {
      const value = tokens.expectNumber('a length in bytes');
      return { is: 'length', column, relation: primitive === 'less' ? '<=' : '>=', value };
    }
    case 'byte':
      return parseByte(tokens, column);
    case 'ifindex':
      return { is: 'ifindex', column, value: tokens.expectNumber('the index of an interface') };
    case 'vlan':
    case 'mpls':
    case 'pppoes':
    case 'geneve':
      return { is: primitive, column, value: tokens.optionalNumber() };
    case 'llc':
      return { is: 'llc', column, type: llcType(tokens) };
    // `len` is arithmetic.
    case 'len':
      return undefined;
  }
}

/** `byte 5 = 7`: an old form of `link[5] = 7`. */
function parseByte(tokens: TokenStream, column: number): Expression {
  const offset = tokens.expectNumber('an offset in bytes');
  const { token } = tokens;
  const relation = token.is === 'symbol' ? token.symbol : '';
  // What tcpdump makes of these depends on what the filter has computed before.
  if (relation === '&' || relation === '|') {
    throw new FilterError(token.column, `byte ${offset} ${relation} …: write link[${offset}] ${relation} … != 0`);
  }
  if (relation !== '=' && relation !== '<' && relation !== '>') throw tokens.fault('=, < or >');
  tokens.advance();
  return { is: 'byte', column, offset, relation, value: tokens.expectNumber('a number') };
}

function llcType(tokens: TokenStream): string | undefined {
  const { token } = tokens;
  const isReceiverNotReady = token.is === 'keyword' && token.text === 'rnr';
  if (token.is !== 'name' && !isReceiverNotReady) return undefined;
  tokens.advance();
  return token.text;
}
