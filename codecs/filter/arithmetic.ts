/**
 * Arithmetic expressions, put together with what is constant computed, as libpcap's optimizer does. This matters for
 * more than speed: `ip[100] & 0` never looks at a byte, and so does not reject a packet that is too short.
 */
import type { Arithmetic, ArithmeticOperator, Guard } from './ast.js';
import { FilterError } from './filter-error.js';
import type { ProtocolWord } from './words.js';

const NETWORK: readonly ProtocolWord[] = [
  'ip',
  'arp',
  'rarp',
  'atalk',
  'decnet',
  'sca',
  'lat',
  'moprc',
  'mopdl',
  'ip6',
];
const TRANSPORT: readonly ProtocolWord[] = ['sctp', 'tcp', 'udp', 'icmp', 'igmp', 'igrp', 'pim', 'vrrp', 'carp'];
const IPPROTO_ICMPV6 = 58;

/** Whether offsets of `PROTOCOL[…]` count from the header after that of IPv4. */
export function isTransport(protocol: ProtocolWord): boolean {
  return TRANSPORT.includes(protocol);
}

export function constant(
  column: number,
  value: number,
  guards: readonly Guard[] = [],
  dropped?: Arithmetic,
): Arithmetic {
  return { is: 'constant', column, value: value >>> 0, guards, dropped };
}

/**
 * `PROTOCOL[INDEX:SIZE]`
 * @throws {FilterError} if PROTOCOL has no bytes that can be asked for
 */
export function load(column: number, protocol: ProtocolWord, index: Arithmetic, size: 1 | 2 | 4): Arithmetic {
  return { is: 'load', column, protocol, index, size, guards: guardsOf(column, protocol, index.guards) };
}

function guardsOf(column: number, protocol: ProtocolWord, inner: readonly Guard[]): readonly Guard[] {
  if (protocol === 'link') return inner;
  if (NETWORK.includes(protocol)) return [...inner, { is: 'protocol', protocol }];
  if (isTransport(protocol)) {
    return [{ is: 'protocol', protocol: 'ip' }, ...inner, { is: 'protocol', protocol }, { is: 'first fragment' }];
  }
  if (protocol === 'icmp6') {
    return [...inner, { is: 'protocol', protocol: 'ip6' }, { is: 'next header', number: IPPROTO_ICMPV6 }];
  }
  const known = ['link', ...NETWORK, ...TRANSPORT, 'icmp6'].join(', ');
  throw new FilterError(column, `${protocol}[…]: no bytes can be asked for by this protocol, only by ${known}`);
}

export function negation(column: number, operand: Arithmetic): Arithmetic {
  const { guards } = operand;
  if (operand.is === 'constant') return constant(column, -operand.value, guards, operand.dropped);
  return { is: 'negation', column, operand, guards };
}

/**
 * LEFT OPERATOR RIGHT. The guards of RIGHT are lost, as in libpcap: `1 + tcp[0] = 5` is asked of every packet.
 * @throws {FilterError} for a division by a constant 0, and a shift by more than 31 bits
 */
export function operation(
  column: number,
  operator: ArithmeticOperator,
  left: Arithmetic,
  right: Arithmetic,
): Arithmetic {
  const { guards } = left;
  const a = left.is === 'constant' ? left.value : undefined;
  const b = right.is === 'constant' ? right.value : undefined;
  if (b === 0 && (operator === '/' || operator === '%'))
    throw new FilterError(column, `${operator} 0: division by zero`);
  if (b !== undefined && b > 31 && (operator === '<<' || operator === '>>')) {
    throw new FilterError(column, `${operator} ${b}: a shift by more than 31 bits`);
  }
  if (left.is === 'constant' && right.is === 'constant') {
    return constant(column, compute(operator, left.value, right.value), guards, left.dropped ?? right.dropped);
  }
  if (b === 0 && (operator === '*' || operator === '&')) return constant(column, 0, guards, left);
  if (a === 0 && ['*', '/', '%', '&', '<<', '>>'].includes(operator)) return constant(column, 0, guards, right);
  return { is: 'operation', column, operator, left, right, guards };
}

function compute(operator: ArithmeticOperator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return Math.imul(a, b);
    case '/':
      return a / b;
    case '%':
      return a % b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<<':
      return a << b;
    default:
      return a >>> b;
  }
}
