/** A parsed filter. */
import type { AddressType, ProtocolWord } from './words.js';

export type Direction = 'src' | 'dst' | 'src or dst' | 'src and dst';

/** What stands before an id: `tcp dst port`. What is left out is undefined. */
export interface Qualifier {
  readonly protocol?: ProtocolWord | undefined;
  readonly direction?: Direction | undefined;
  readonly type?: AddressType | undefined;
}

/** What a qualifier applies to. */
export type Id =
  | { readonly is: 'name'; readonly name: string }
  | { readonly is: 'number'; readonly value: number }
  /** Two to four numbers with dots between, or one before a prefix length, with a prefix length or mask. */
  | { readonly is: 'ipv4'; readonly text: string; readonly prefix?: number; readonly mask?: string }
  | { readonly is: 'ipv6'; readonly text: string; readonly prefix?: number }
  | { readonly is: 'mac'; readonly text: string };

/** COLUMN: where it begins, from 1. */
export type Expression = { readonly column: number } & (
  | { readonly is: 'all' }
  /** Operators of equal precedence, from left to right. */
  | { readonly is: 'chain'; readonly first: Expression; readonly rest: readonly Link[] }
  | { readonly is: 'not'; readonly operand: Expression }
  | { readonly is: 'id'; readonly qualifier: Qualifier; readonly id: Id }
  | { readonly is: 'protocol'; readonly protocol: ProtocolWord }
  | { readonly is: 'relation'; readonly relation: Relation; readonly left: Arithmetic; readonly right: Arithmetic }
  | { readonly is: 'broadcast' | 'multicast'; readonly protocol: ProtocolWord | undefined }
  | { readonly is: 'length'; readonly relation: '<=' | '>='; readonly value: number }
  | { readonly is: 'byte'; readonly offset: number; readonly relation: '=' | '<' | '>'; readonly value: number }
  | { readonly is: 'inbound' | 'outbound' | 'pppoed' }
  | { readonly is: 'ifindex'; readonly value: number }
  | { readonly is: 'vlan' | 'mpls' | 'pppoes' | 'geneve'; readonly value: number | undefined }
  | { readonly is: 'llc'; readonly type: string | undefined }
);

export interface Link {
  readonly operator: '&&' | '||';
  readonly operand: Expression;
}

export type Relation = '=' | '!=' | '<' | '>' | '<=' | '>=';
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>';

/**
 * An arithmetic expression over 32 bits, unsigned. GUARDS is what a packet must be, in this order, before it is
 * computed: `tcp[0]` is that of a TCP packet only. DROPPED is an operand that does not matter, as that of `* 0`; but it
 * must be one that can be asked for.
 */
export type Arithmetic = { readonly column: number; readonly guards: readonly Guard[] } & (
  | { readonly is: 'constant'; readonly value: number; readonly dropped?: Arithmetic | undefined }
  | { readonly is: 'length' }
  | { readonly is: 'load'; readonly protocol: ProtocolWord; readonly index: Arithmetic; readonly size: 1 | 2 | 4 }
  | { readonly is: 'negation'; readonly operand: Arithmetic }
  | {
      readonly is: 'operation';
      readonly operator: ArithmeticOperator;
      readonly left: Arithmetic;
      readonly right: Arithmetic;
    }
);

/**
 * A protocol; or `first fragment`: IPv4, and no later fragment; or `next header`: of IPv6, without extension headers.
 */
export type Guard =
  | { readonly is: 'protocol'; readonly protocol: ProtocolWord }
  | { readonly is: 'first fragment' }
  | { readonly is: 'next header'; readonly number: number };
