/** The mark of `--bridge-accept-fwmark`, which the engine reads as Go does and passes on in decimal. */
import { shown } from '../../../codecs/text.js';
import { FirewallError } from '../firewall.js';

const LARGEST = 2n ** 32n - 1n;
/** With a base: 0x, 0o, a leading 0 or 0b; underscores may separate digits (strconv.ParseUint of base 0). */
const NUMBER = /^(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)$/;

/**
 * VALUE, a mark or mark/mask, as iptables takes it.
 * @throws {FirewallError} if it is neither
 */
export function iptablesMark(value: string): string {
  const at = value.indexOf('/');
  if (at < 0) return parseNumber(value, value, 'mark');
  const mark = parseNumber(value.slice(0, at), value, 'mark');
  return `${mark}/${parseNumber(value.slice(at + 1), value, 'mask')}`;
}

function parseNumber(text: string, value: string, what: string): string {
  const number = NUMBER.test(text) ? parseGoInteger(text.replaceAll('_', '')) : -1n;
  if (number >= 0n && number <= LARGEST) return String(number);
  throw new FirewallError(`invalid firewall ${what} ${shown(value)}`);
}

function parseGoInteger(text: string): bigint {
  return BigInt(/^0[0-7]+$/.test(text) ? `0o${text.slice(1)}` : text);
}
