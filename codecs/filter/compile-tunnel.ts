/** Emits `vlan`, `mpls`, `pppoes` and `geneve`, which move the offsets of what follows them in the filter. */
import type { Exits } from '../bpf/assembler.js';
import { BpfAlu, BpfJump } from '../bpf/instruction.js';
import type { CodeWriter } from './code-writer.js';
import { carries, carriesLabel, EtherType } from './compile-link.js';
import { isFirstFragment } from './compile-protocol.js';
import { FilterError } from './filter-error.js';
import { afterGeneve, afterLabel, afterPppoe, afterVlan } from './link-layer.js';

/** Emits whether there is a tunnel of this kind, with the number VALUE if it is given. */
export function compileTunnel(
  writer: CodeWriter,
  column: number,
  kind: 'vlan' | 'mpls' | 'pppoes' | 'geneve',
  value: number | undefined,
): Exits {
  const most = { vlan: 0xfff, mpls: 0xfffff, pppoes: 0xffff, geneve: 0xffffff }[kind];
  if (value !== undefined && value > most) throw new FilterError(column, `${kind} ${value}: expected at most ${most}`);
  switch (kind) {
    case 'vlan':
      return compileVlan(writer, column, value);
    case 'mpls':
      return compileMpls(writer, column, value);
    case 'pppoes':
      return compilePppoe(writer, column, value);
    case 'geneve':
      return compileGeneve(writer, column, value);
  }
}

/** CONDITION, and if NUMBER is given, IS_NUMBER. */
function withNumber(
  writer: CodeWriter,
  condition: () => Exits,
  number: number | undefined,
  isNumber: (number: number) => Exits,
): Exits {
  return number === undefined ? condition() : writer.all(condition, () => isNumber(number));
}

function compileVlan(writer: CodeWriter, column: number, id: number | undefined): Exits {
  if (writer.layer.labels > 0) throw new FilterError(column, 'there is no VLAN behind MPLS');
  if (writer.layer.kind !== 'ethernet') throw writer.fault(column, 'vlan can only be asked for on Ethernet');
  const isTagged = () =>
    writer.any(
      () => carries(writer, column, EtherType.VLAN),
      () => carries(writer, column, EtherType.QINQ),
      () => carries(writer, column, EtherType.QINQ_OLD),
    );
  const exits = withNumber(writer, isTagged, id, (wanted) => writer.equals('network', 0, 2, wanted, 0xfff));
  writer.layer = afterVlan(writer.layer);
  return exits;
}

function compileMpls(writer: CodeWriter, column: number, label: number | undefined): Exits {
  const isLabelled = () =>
    // Behind another label: that was not the last.
    writer.layer.labels > 0 ? writer.equals('network', -2, 1, 0, 1) : carriesLabel(writer, column);
  const exits = withNumber(writer, isLabelled, label, (wanted) =>
    writer.equals('network', 0, 4, (wanted << 12) >>> 0, 0xfffff000),
  );
  writer.layer = afterLabel(writer.layer);
  return exits;
}

function compilePppoe(writer: CodeWriter, column: number, session: number | undefined): Exits {
  const isSession = () => carries(writer, column, EtherType.PPPOE_SESSION);
  const exits = withNumber(writer, isSession, session, (wanted) => writer.equals('network', 0, 4, wanted, 0xffff));
  writer.layer = afterPppoe(writer.layer);
  return exits;
}

const GENEVE_PORT = 6081;
const IPPROTO_UDP = 17;
const UDP_LENGTH = 8;
const IPV6_LENGTH = 40;
const MAC_HEADER_LENGTH = 14;

function compileGeneve(writer: CodeWriter, column: number, vni: number | undefined): Exits {
  const isGeneve = writer.any(
    () => isGeneveOver(writer, column, vni, 'ipv4'),
    () => isGeneveOver(writer, column, vni, 'ipv6'),
  );
  const exits = writer.all(
    () => isGeneve,
    () => {
      emitGeneveOffsets(writer, column);
      return writer.always();
    },
  );
  return exits;
}

/** Emits whether Geneve follows, and leaves the length of the IP header in A, plus the variable part of its offset. */
function isGeneveOver(writer: CodeWriter, column: number, vni: number | undefined, ip: 'ipv4' | 'ipv6'): Exits {
  const isPort = () =>
    writer.all(
      () => carries(writer, column, ip === 'ipv4' ? EtherType.IPV4 : EtherType.IPV6),
      () => writer.equals('network', ip === 'ipv4' ? 9 : 6, 1, IPPROTO_UDP),
      ...(ip === 'ipv4' ? [() => isFirstFragment(writer)] : []),
      () => writer.equals(ip, 2, 2, GENEVE_PORT),
    );
  const isVersion0 = () => writer.all(isPort, () => writer.equals(ip, UDP_LENGTH, 1, 0, 0xc0));
  return writer.all(
    () =>
      withNumber(writer, isVersion0, vni, (wanted) =>
        writer.equals(ip, UDP_LENGTH + 4, 4, (wanted << 8) >>> 0, 0xffffff00),
      ),
    () => {
      emitIpLength(writer, ip);
      writer.copyAToX();
      return writer.test(BpfJump.JEQ);
    },
  );
}

function emitIpLength(writer: CodeWriter, ip: 'ipv4' | 'ipv6'): void {
  if (ip === 'ipv4') {
    writer.setXToIpv4Length();
    writer.copyXToA();
    return;
  }
  const { register } = writer.layer.payload;
  if (register !== undefined) writer.restoreX(register);
  writer.set(IPV6_LENGTH);
  if (register !== undefined) writer.computeX(BpfAlu.ADD);
}

/** Computes where the headers in Geneve are, from the length of the outer IP header in A. */
function emitGeneveOffsets(writer: CodeWriter, column: number): void {
  const { payload, network } = writer.layer;
  const type = writer.offsetRegister(column);
  const header = writer.offsetRegister(column);
  const inner = writer.offsetRegister(column);
  writer.compute(BpfAlu.ADD, payload.constant + network + UDP_LENGTH);
  writer.copyAToX();
  writer.compute(BpfAlu.ADD, 2);
  writer.save(type);
  // The length of the options, in words of four bytes.
  writer.loadAtX(1, 0);
  writer.compute(BpfAlu.AND, 0x3f);
  writer.compute(BpfAlu.MUL, 4);
  writer.compute(BpfAlu.ADD, 8);
  writer.computeX(BpfAlu.ADD);
  writer.save(header);
  writer.loadAtX(2, 2);
  writer.restoreX(header);
  const isEthernet = writer.test(BpfJump.JEQ, EtherType.TEB);
  writer.land(isEthernet.yes);
  writer.copyXToA();
  writer.compute(BpfAlu.ADD, MAC_HEADER_LENGTH - 2);
  writer.save(type);
  writer.compute(BpfAlu.ADD, 2);
  writer.copyAToX();
  writer.land(isEthernet.no);
  writer.saveX(inner);
  writer.layer = afterGeneve(writer.layer, header, type, inner);
}
