/** Compiles parsed filters to classic BPF, for one link type. */
import type { Exits } from '../bpf/assembler.js';
import { BpfJump, type Instruction } from '../bpf/instruction.js';
import { linktypeName } from '../linktypes.js';
import type { Expression, Link } from './ast.js';
import { CodeWriter, type HostNames } from './code-writer.js';
import { compileRelation } from './compile-arithmetic.js';
import { compileId } from './compile-id.js';
import { carries, EtherType, hasGroupMac, hasInterface, hasMac, isLlc, isOutgoing } from './compile-link.js';
import { isProtocol } from './compile-protocol.js';
import { compileTunnel } from './compile-tunnel.js';
import { FilterError } from './filter-error.js';
import { linkLayerOf } from './link-layer.js';
import type { ProtocolWord } from './words.js';

/**
 * The program for FILTER on frames of LINKTYPE (a LINKTYPE_ value). NAMES: what hosts may be called.
 * @throws {FilterError} if the filter asks for what such frames do not have, or contradicts itself
 */
export function compileFilter(filter: Expression, linktype: number, names: HostNames = new Map()): Instruction[] {
  const layer = linkLayerOf(linktype);
  if (layer === undefined) {
    throw new FilterError(
      filter.column,
      `there are no filters for frames of link type ${linktypeName(linktype)}`,
      true,
    );
  }
  const writer = new CodeWriter(layer, linktypeName(linktype), names);
  return writer.finish(compile(writer, filter));
}

function compile(writer: CodeWriter, expression: Expression): Exits {
  const { column } = expression;
  switch (expression.is) {
    case 'all':
      return writer.always();
    case 'chain':
      return compileChain(writer, expression.first, expression.rest);
    case 'not':
      return writer.not(compile(writer, expression.operand));
    case 'id':
      return compileId(writer, column, expression.qualifier, expression.id);
    case 'protocol':
      return isProtocol(writer, column, expression.protocol);
    case 'relation':
      return compileRelation(writer, column, expression.relation, expression.left, expression.right);
    case 'length':
      writer.setLength();
      return expression.relation === '>='
        ? writer.test(BpfJump.JGE, expression.value)
        : writer.not(writer.test(BpfJump.JGT, expression.value));
    case 'byte':
      return compileByte(writer, expression.offset, expression.relation, expression.value);
    default:
      return compilePrimitive(writer, expression);
  }
}

type Primitive = Exclude<
  Expression,
  { is: 'all' | 'chain' | 'not' | 'id' | 'protocol' | 'relation' | 'length' | 'byte' }
>;

function compilePrimitive(writer: CodeWriter, expression: Primitive): Exits {
  const { column } = expression;
  switch (expression.is) {
    case 'broadcast':
      return compileBroadcast(writer, column, expression.protocol);
    case 'multicast':
      return compileMulticast(writer, column, expression.protocol);
    case 'inbound':
      return writer.not(isOutgoing(writer, column, 'inbound'));
    case 'outbound':
      return isOutgoing(writer, column, 'outbound');
    case 'ifindex':
      return hasInterface(writer, column, expression.value);
    case 'pppoed':
      return carries(writer, column, EtherType.PPPOE_DISCOVERY);
    case 'llc':
      return isLlc(writer, column, expression.type);
    default:
      return compileTunnel(writer, column, expression.is, expression.value);
  }
}

/** What follows is asked only if it still matters; offsets move whether it is or not. */
function compileChain(writer: CodeWriter, first: Expression, rest: readonly Link[]): Exits {
  let exits = compile(writer, first);
  for (const { operator, operand } of rest) {
    const before = exits;
    const next = () => compile(writer, operand);
    exits = operator === '&&' ? writer.all(() => before, next) : writer.any(() => before, next);
  }
  return exits;
}

function compileByte(writer: CodeWriter, offset: number, relation: '=' | '<' | '>', value: number): Exits {
  switch (relation) {
    case '=':
      return writer.equals('link', offset, 1, value);
    case '>':
      return writer.compare(BpfJump.JGT, 'link', offset, 1, value);
    case '<':
      return writer.not(writer.compare(BpfJump.JGE, 'link', offset, 1, value));
  }
}

const BROADCAST_MAC = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

function compileBroadcast(writer: CodeWriter, column: number, protocol: ProtocolWord | undefined): Exits {
  if (protocol === undefined || protocol === 'link') return hasMac(writer, column, 'dst', BROADCAST_MAC);
  if (protocol !== 'ip') throw new FilterError(column, `${protocol} broadcast: expected ether or ip`);
  // A file says nothing about networks: as in tcpdump, only these two are known to be broadcast addresses.
  return writer.all(
    () => carries(writer, column, EtherType.IPV4),
    () =>
      writer.any(
        () => writer.equals('network', 16, 4, 0),
        () => writer.equals('network', 16, 4, 0xffffffff),
      ),
  );
}

function compileMulticast(writer: CodeWriter, column: number, protocol: ProtocolWord | undefined): Exits {
  switch (protocol) {
    case undefined:
    case 'link':
      return hasGroupMac(writer, column);
    case 'ip':
      return writer.all(
        () => carries(writer, column, EtherType.IPV4),
        () => writer.compare(BpfJump.JGE, 'network', 16, 1, 224),
      );
    case 'ip6':
      return writer.all(
        () => carries(writer, column, EtherType.IPV6),
        () => writer.equals('network', 24, 1, 255),
      );
    default:
      throw new FilterError(column, `${protocol} multicast: expected ether, ip or ip6`);
  }
}
