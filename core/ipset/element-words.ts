/** An element as the word after the set's name, read and printed: parts separated by commas. */

import type { Family } from '../../codecs/address.js';
import { formatLoaded, toLoaded } from '../../codecs/byte-order.js';
import { isLongerThan } from '../../codecs/text.js';
import { type Element, NONE } from '../sets/element.js';
import type { SetType } from '../sets/set-type.js';
import { parseIp, parseIp4Net6, parseIp4Single6, parseSingleIp, separatorIn } from './addresses.js';
import type { CommandData } from './command-data.js';
import { checkSetName } from './keywords.js';
import { parseEther, parseUint32 } from './numbers.js';
import { Opt } from './options.js';
import { formatPort, formatProtocol, parseProtoPort, parseTcpUdpPort } from './ports.js';

const MAX_IFACE = 15;

/** Reads the element TEXT of the type that DATA names (ipset_parse_elem). */
export function parseElement(data: CommandData, text: string): void {
  const type = data.type!;
  if (type.dimensions.length === 1 && !text.includes(',')) {
    parsePart(data, type, 0, text);
    return;
  }
  const parts = splitElement(data, type, text);
  if (parts === undefined) parseNeighbours(data, text);
  else for (const [i, part] of parts.entries()) parsePart(data, type, i, part);
}

/** The parts of TEXT; undefined: a list:set's old way to write `SET before SET`. */
function splitElement(data: CommandData, type: SetType, text: string): string[] | undefined {
  const { dimensions, name } = type;
  const isLastOptional = name === 'bitmap:ip,mac';
  const first = separatorIn(text, ',');
  if (dimensions.length === 1) {
    if (first === -1) return [text];
    if (type.method === 'list') return undefined;
    throw data.syntaxError(`Elem separator in ${text}, but settype ${name} supports none.`, 'an element of one part');
  }
  if (first === -1) {
    if (isLastOptional) return [text];
    throw data.syntaxError(`Second element is missing from ${text}.`, `an element such as ${dimensions.join()}`);
  }
  const rest = text.slice(first + 1);
  const second = separatorIn(rest, ',');
  if (dimensions.length === 2) {
    if (second === -1) return [text.slice(0, first), rest];
    throw data.syntaxError(
      `Two elem separators in ${text}, but settype ${name} supports one.`,
      `an element such as ${dimensions.join()}`,
    );
  }
  if (second === -1) {
    throw data.syntaxError(`Third element is missing from ${text}.`, `an element such as ${dimensions.join()}`);
  }
  const last = rest.slice(second + 1);
  if (separatorIn(last, ',') !== -1) {
    throw data.syntaxError(
      `Three elem separators in ${text}, but settype ${name} supports two.`,
      `an element such as ${dimensions.join()}`,
    );
  }
  return [text.slice(0, first), rest.slice(0, second), last];
}

function parsePart(data: CommandData, type: SetType, dimension: number, text: string): void {
  const part = dimension === 0 ? 'ip' : 'ip2';
  switch (type.dimensions[dimension]) {
    case 'ip':
      if (type.name === 'bitmap:ip') parseIp(data, part, text);
      else if (dimension > 0 || type.method === 'bitmap') parseSingleIp(data, part, text);
      else parseIp4Single6(data, part, text);
      break;
    case 'net':
      parseIp4Net6(data, part, text);
      break;
    case 'port':
      if (type.method === 'bitmap') parseTcpUdpPort(data, text);
      else parseProtoPort(data, text);
      break;
    case 'mac':
      data.element.mac = parseEther(data, text);
      data.note(Opt.ETHER);
      break;
    case 'mark':
      data.element.mark = parseUint32(data, text);
      data.report.reset();
      data.note(Opt.MARK);
      break;
    case 'iface':
      parseIface(data, text);
      break;
    default:
      data.element.set = checkSetName(data, text);
      data.noteText(Opt.NAME, text);
  }
}

const PHYSDEV = 'physdev:';

function parseIface(data: CommandData, text: string): void {
  const isPhysdev = text.startsWith(PHYSDEV);
  const name = isPhysdev ? text.slice(PHYSDEV.length) : text;
  if (isLongerThan(name, MAX_IFACE)) {
    throw data.syntaxError(`interface name '${name}' is longer than ${MAX_IFACE} characters`, 'a shorter name');
  }
  data.element.isPhysdev = isPhysdev;
  if (isPhysdev) data.note(Opt.CADT_FLAGS);
  data.element.iface = name;
  data.noteText(Opt.IFACE, name);
}

/** `SET,before,SET`. */
function parseNeighbours(data: CommandData, text: string): void {
  const first = separatorIn(text, ',');
  const rest = text.slice(first + 1);
  const second = separatorIn(rest, ',');
  const word = second === -1 ? rest : rest.slice(0, second);
  if (second === -1 || (word !== 'before' && word !== 'after')) {
    throw data.error('you must specify elements as setname,[before|after],setname', 'SET,before,SET');
  }
  data.element.set = checkSetName(data, text.slice(0, first));
  data.noteText(Opt.NAME, data.element.set);
  data.element.neighbour = checkSetName(data, rest.slice(second + 1));
  data.element.isBefore = word === 'before';
  if (data.element.isBefore) data.note(Opt.CADT_FLAGS);
  data.noteText(Opt.NAMEREF, data.element.neighbour);
}

/** ELEMENT of a set of TYPE and FAMILY, as ipset prints it (ipset_print_elem). */
export function formatElement(element: Element, type: SetType, family: Family | undefined): string {
  const { dimensions } = type;
  let text = formatPart(element, type, 0, family);
  for (let i = 1; i < dimensions.length; i++) {
    if (dimensions[i] === 'mac' && element.mac === NONE) break;
    text += `,${formatPart(element, type, i, family)}`;
  }
  return text;
}

/** The same as the answer to `ipset test` shows it: without `physdev:`, and any neighbour as if after it. */
export function formatAnswered(element: Element, type: SetType, family: Family | undefined): string {
  element.isPhysdev = false;
  const text = formatElement(element, type, family);
  return element.neighbour === '' ? text : `${text} after ${element.neighbour}`;
}

function formatPart(element: Element, type: SetType, dimension: number, family: Family | undefined): string {
  switch (type.dimensions[dimension]) {
    case 'ip':
    case 'net':
      return dimension === 0
        ? formatIp(element.ip, element.ip6, element.cidr, element.ipTo, family)
        : formatIp(element.ip2, element.ip6Second, element.cidr2, element.ipTo, family);
    case 'port':
      return formatPorts(element);
    case 'mac':
      return formatEther(element.mac);
    case 'mark':
      return `0x${element.mark.toString(16).padStart(8, '0')}`;
    case 'iface':
      return (element.isPhysdev ? PHYSDEV : '') + element.iface;
    default:
      return element.set;
  }
}

function formatIp(ip: number, ip6: unknown, cidr: number, ipTo: number, family: Family | undefined): string {
  const bits = family === 'ipv6' ? 128 : 32;
  const suffix = cidr === NONE || cidr === bits ? '' : `/${cidr}`;
  const text = `${ip6 === undefined ? formatLoaded(toLoaded(ip)) : String(ip6)}${suffix}`;
  return ipTo === NONE ? text : `${text}-${formatLoaded(toLoaded(ipTo))}${suffix}`;
}

function formatPorts({ port, portTo, proto }: Element): string {
  const text = formatPort(port, proto) + (portTo === NONE ? '' : `-${portTo}`);
  return proto === NONE ? text : `${formatProtocol(proto)}:${text}`;
}

function formatEther(mac: number): string {
  const digits = mac.toString(16).toUpperCase().padStart(12, '0');
  return digits.replace(/..(?!$)/g, '$&:');
}
