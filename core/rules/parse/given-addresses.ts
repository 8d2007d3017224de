/** The values of `-s` and `-d`, of which there may be several: each pair of them is a rule of its own. */
import type { Family } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import type { AddressMatch } from '../base-match.js';
import { parseAddresses } from './base-values.js';
import { RuleFault } from './error.js';

/** The value of `-s` or `-d`. */
interface GivenAddress {
  readonly word: Word;
  readonly given: Word;
  readonly negated: boolean;
}

/** Parsed when all options are read: iptables does not look at them in a line of the other family. */
export class GivenAddresses {
  source: GivenAddress | undefined;
  destination: GivenAddress | undefined;

  /** Several addresses expand into several rules, where ! would not mean what it seems to. */
  parse(family: Family): { sources: (AddressMatch | undefined)[]; destinations: (AddressMatch | undefined)[] } {
    const sources = parsed(this.source, family);
    const destinations = parsed(this.destination, family);
    const isOne = sources.length < 2 && destinations.length < 2;
    if (!isOne && [...sources, ...destinations].some((match) => match?.negated)) {
      const tool = '! not allowed with multiple source or destination IP addresses';
      const { word } = (this.source ?? this.destination)!;
      throw new RuleFault(word, '! is not allowed with several addresses', '', 'invalid', tool);
    }
    return { sources, destinations };
  }
}

function parsed(address: GivenAddress | undefined, family: Family): (AddressMatch | undefined)[] {
  return address === undefined ? [undefined] : parseAddresses(address.given, address.negated, family);
}
