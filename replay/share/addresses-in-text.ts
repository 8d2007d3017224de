/** Replaces addresses in texts in which anything may stand between them. */
import { type Address, maskLength, parseAddress } from '../../codecs/address.js';
import type { Replacer } from './replacer.js';

const QUAD = String.raw`\d{1,3}(?:\.\d{1,3}){3}`;
/** An address, a network, or a range of addresses. */
const IPV4 = new RegExp(String.raw`(?<![\d.])(${QUAD})(?:-(${QUAD})|/(${QUAD}|\d{1,2}))?(?!\.?\d)`, 'g');
const MAC = /(?<![\da-f:])(?:[\da-f]{2}:){5}[\da-f]{2}(?![\da-f:])/gi;
const IPV6 = /(?<![\w:.])(?=[\da-f:]*:[\da-f:]*:)[\da-f:]+(?:\.\d+){0,3}(?![\w:])/gi;
const MAX_LENGTH = 32;

/** TEXT with its addresses of IPv4 and Ethernet replaced. */
export function replaceAddressesIn(text: string, replacer: Replacer): string {
  return text
    .replace(IPV4, (found, first: string, last?: string, mask?: string) => {
      const address = parseAddress(first);
      if (address === undefined) return found;
      if (last !== undefined) return replaceRange(found, address, last, replacer);
      return mask === undefined ? String(replacer.one(address)) : replaceNetwork(found, address, mask, replacer);
    })
    .replace(MAC, (mac) => replacer.macText(mac));
}

/** The same, with addresses of IPv6. */
export function replaceAllAddressesIn(text: string, replacer: Replacer): string {
  return replaceAddressesIn(
    text.replace(IPV6, (found) => {
      const address = MAC.test(found) ? undefined : parseAddress(found);
      MAC.lastIndex = 0;
      return address?.family === 'ipv6' ? String(replacer.one(address)) : found;
    }),
    replacer,
  );
}

function replaceRange(found: string, first: Address, lastText: string, replacer: Replacer): string {
  const last = parseAddress(lastText);
  return last === undefined ? found : replacer.range(first, last).join('-');
}

function replaceNetwork(found: string, address: Address, maskText: string, replacer: Replacer): string {
  if (!maskText.includes('.')) {
    const length = Number(maskText);
    return length > MAX_LENGTH ? found : `${replacer.inNetwork(address, length)}/${maskText}`;
  }
  const mask = parseAddress(maskText);
  if (mask === undefined) return found;
  const length = maskLength(mask);
  const replaced = length === undefined ? replacer.masked(address, mask) : replacer.inNetwork(address, length);
  return `${replaced}/${maskText}`;
}
